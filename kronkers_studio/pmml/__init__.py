"""PMML: documents read, made ready, and evaluated.

One evaluator has two readers: ``packaging`` makes a document ready to see that all of it is evaluated and what it takes
and answers, ``serving`` to answer with it. NumPy and the standard library only; it is packed into packages together
with ``serving``. Words: a *column* has a field's values for many rows; a *scope* knows fields by their types, a *frame*
has their values; a *result* is what a model answers before it is given out.

evaluator      a whole document: what its model takes and answers
models         a model and its parts
mining         several models as one
trees          decision trees
forest         trees as tables, which all rows walk through together
regression     weighted sums
scorecard      points added up
rule_set       rules, of which the first that holds answers
general_regression  generalized linear and multinomial models
neural_network      layers of neurons
naive_bayes         counts and distributions by class
support_vectors     support vector machines
clustering          nearest centres
outputs        what is given out of a result
targets        predicted values rescaled and rounded
results        what a model answers
schema         the fields of documents and models; missing, invalid and extreme values
calls          calls of functions
expressions    derived values
functions      PMML's own functions
text_patterns  regular expressions whose time is bounded
predicates     conditions, which may be unknown
frames         fields and their values
intervals      intervals of numbers
columns        values for many rows
document       XML read within bounds
vocabulary     what of PMML is evaluated
problems       why a document or a row is refused
"""
