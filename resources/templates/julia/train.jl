# Trains the model on data/train.csv and saves it as @NAME@.jls: julia --project=. train.jl

using Serialization

cd(@__DIR__)
include("table.jl")
include("@NAME@.jl")

mean_of(values) = sum(values) / length(values)

"""Weights of a logistic regression on columns that were brought to one scale, by gradient descent."""
function train(columns, answers; steps=2000, rate=0.5)
    names = collect(string.(keys(columns)))
    means = [mean_of(column) for column in columns]
    spreads = [sqrt(mean_of((column .- mean) .^ 2)) for (column, mean) in zip(columns, means)]
    scaled = hcat([(column .- mean) ./ spread for (column, mean, spread) in zip(columns, means, spreads)]...)
    weights, intercept = zeros(length(names)), 0.0
    for _ in 1:steps
        wrong = 1 ./ (1 .+ exp.(.-(scaled * weights .+ intercept))) .- answers
        weights = weights .- rate .* (scaled' * wrong) ./ length(answers)
        intercept -= rate * mean_of(wrong)
    end
    return (names=names, weights=weights, means=means, spreads=spreads, intercept=intercept)
end

columns, answers = read_table("data/train.csv")
model = train(columns, answers)
serialize("@NAME@.jls", model)
right = mean_of((predict(model, columns)[:, 2] .> 0.5) .== answers)
println("@NAME@.jls: trained on $(length(answers)) rows, $(round(Int, 100 * right))% of them right")
