"""What a fitted scikit-learn estimator takes and answers, told from its attributes alone.

One description has two readers: ``packaging`` sees an estimator as its pickle describes it and runs nothing,
``serving`` has it loaded. Both show it as an ``EstimatorView``, so that what a package declares is what its service
says and does. Standard library only; it is packed into packages together with ``serving``. Words: an estimator *sees*
the table that it is given, its *parts* are the estimators inside it; a *column* is one of the table's.

views          an estimator and an array, as whoever reads them shows them
wrappers       where the parts of an estimator are, and which of them see the whole table
columns        what each column of the table must hold
answers        what an estimator answers for a row, or what it is good for instead
class_labels   classes as files, services and models write them, and which of them are the same
boosted        estimators of tree libraries, which keep what they learnt in a form of their own
description    both together: tensors in and out
"""
