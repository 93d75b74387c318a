"""What can be typed of a search besides its settings; imports nothing, for completion."""

BOUND = "bound"  # of validation data, at beta = 1
# Others of the validation data, by a run's evaluation; True: the more the better.
MEASURES = {"elbo": True, "iwae": True, "log_likelihood": True, "nll": False, "ppl": False}
PREFIX = "valid/"
METRICS = (BOUND, *(PREFIX + name for name in MEASURES))
SAMPLERS = ("tpe", "random", "grid", "cmaes")
PRUNERS = ("median", "hyperband", "none")
OWN = ("trials", "seeds", "metric", "sampler", "pruner", "timeout")
