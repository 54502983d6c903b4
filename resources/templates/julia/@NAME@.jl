# What the service runs: the answers of the model in @NAME@.jls. It travels with it, and train.jl uses it too.

function predict(model, columns)
    scores = fill(model.intercept, length(columns[1]))
    for (name, weight, mean, spread) in zip(model.names, model.weights, model.means, model.spreads)
        scores = scores .+ weight .* (columns[Symbol(name)] .- mean) ./ spread
    end
    yes = 1 ./ (1 .+ exp.(.-scores))
    return hcat(1 .- yes, yes)
end
