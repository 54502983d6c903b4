"""R's saved models, read without R: nothing in them is run or made.

r_facts      what is known of a model: its columns and answers, its package and that one's version
r_models     from an object to what a service of it takes and gives, by its class
r_terms      the columns that a formula's terms need
r_programs   what a model has no use for, and is refused
r_objects    the class of what R saved
r_reading    R's serialization, read into values within bounds
r_forms      its numbers and texts as bytes and as lines
r_values     R's values, as far as they are kept
"""
