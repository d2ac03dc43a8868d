"""Built-in rumour models with stifling, forest fire, and hoax versus fact-checkers."""
