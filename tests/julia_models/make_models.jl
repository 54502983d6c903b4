# Makes the objects in files/ and what Julia answers: julia make_models.jl (1.5 or newer, its standard library alone).
using Serialization

number(value) = value === missing || isnan(value) ? "null" : string(value)
listed(values) = "[" * join(values, ", ") * "]"

# a named tuple of coefficients
include("files/line.jl")
line = (intercept=1.5, weight=-0.25, by_gear=Dict("three" => 0.0, "four" => 1 / 3, "für dich" => 2 / 3))
columns = (wt=Union{Missing,Float64}[2.0, 3.25, missing], gear=["three", "für dich", "four"])
serialize("files/line.jls", line)
line_answers = listed(number.(predict(line, columns)))

# a type of its own
include("files/logistic.jl")
logistic = Logistic([0.5, 0.25, 0.0], [-1.0, 2.0, 0.0])
rows = (x=[1.0, -2.0, 30.0], y=[0.5, 0.125, -3.0])
serialize("files/logistic.jls", logistic)
logistic_answers = listed([listed(number.(row)) for row in eachrow(predict(logistic, rows))])

write("files/answers.json", """{
 "line": {"rows": [{"wt": 2.0, "gear": "three"}, {"wt": 3.25, "gear": "für dich"}, {"wt": null, "gear": "four"}],
  "output": $line_answers},
 "logistic": {"rows": [{"x": 1.0, "y": 0.5}, {"x": -2.0, "y": 0.125}, {"x": 30.0, "y": -3.0}],
  "probabilities": $logistic_answers}
}
""")
