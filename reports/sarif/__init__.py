"""SARIF 2.1.0, for code-scanning hosts: findings as results, rules with help, registry lines as locations."""
