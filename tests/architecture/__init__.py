"""The rules of docs/ARCHITECTURE.md, checked on the source. Each lint is shown a planted fault, so that it can fail.

A place that has a reason to differ says so on its line or on the line above: `# lint: allow <rule>: <reason>`. A waiver
of a rule that is not broken there is a fault itself.
"""
