"""Make a trained network smaller and faster: pruning, quantisation, distillation, and the table of what each costs."""
