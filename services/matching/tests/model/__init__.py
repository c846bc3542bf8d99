"""A second exchange, small, slow and obviously right: what the real one must do, command by command.

It shares the contracts with the service and nothing else: no rule, no helper, no data structure. Where the service
keeps a running sum the model adds up anew; where it multiplies crosswise the model divides exactly, in `Fraction`s;
where it asks "would this fill be allowed" the model makes the fill on a copy and looks at the result. Rule numbers
(R1 to R33, 3.11, 5.5 ...) are those of the domain rules that docs/criteria/rules.md lists.
"""
