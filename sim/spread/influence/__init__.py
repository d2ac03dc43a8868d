"""Influence maximisation and blocking on live-edge models: CELF, OPIM-C, degree discount."""
