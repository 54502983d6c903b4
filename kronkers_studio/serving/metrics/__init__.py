"""What is counted while a model answers.

answer_counts    answers, by class or by where a number lies
history          the last 24 hours, in memory
exposition       what Prometheus reads
"""
