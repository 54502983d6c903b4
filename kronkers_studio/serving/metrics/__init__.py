"""What is counted while a model answers.

answer_counts    answers, by class or by where a number lies
feature_bins     the bins of a reference profile
feature_counts   what came in, counted in these
feature_series   those counts, as Prometheus and as the workstation read them
history          the last 24 hours, in memory
exposition       what Prometheus reads
"""
