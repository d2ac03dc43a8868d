"""Linear thresholds."""

from sim import Threshold, register


@register("linear-threshold")
class LinearThreshold(Threshold):
    """An agent adopts once the weight of its adopted sources reaches its own random threshold.

    Granovetter, "Threshold models of collective behavior", American Journal of Sociology 1978;
    Kempe, Kleinberg & Tardos, KDD 2003. Thresholds are uniform in [0, 1), one an agent and message;
    weights of an agent's sources sum to 1; synchronous, compared with ``>=``.
    """
