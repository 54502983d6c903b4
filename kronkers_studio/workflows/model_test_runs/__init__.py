"""The parts of testing a model version's service; ``workflows.model_tests`` has the verbs.

located_yaml       YAML and JSON from anywhere, read with bounds, each value with its line
expectation_files  the file of a test set as expectations, and which file is a version's
first_test_set     a test set made of what is known of a version
private_service    the packaged service, started for a test alone and ended whatever happens
service_answers    what it answers to rows: in parts, one by one, and what it refuses
holdouts           tables with the truth, and the answers to them
quality_metrics    metrics in NumPy
single_columns     how much one column alone tells of the truth
model_difference   whether one version is worse than another by more than chance
fitting_tables     whether tables have the columns that a version takes and its tests name
examination        what all checks share: the service, the tables, what was measured before
quality_checks     metrics, the champion, agreement with earlier predictions, leaks
behaviour_checks   invariance, direction, refusals, the same answers to the same rows
service_checks     latency, memory, start, size, columns and classes
findings           what a check says: passed or not, the value, the sentence
checks             each kind of expectation and its check; a whole set, checked
junit              a run as JUnit XML
"""
