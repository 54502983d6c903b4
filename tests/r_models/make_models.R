# Makes the models in files/ and R's own answers to some rows: Rscript make_models.R (Debian 12: r-base-core and r-cran-
# jsonlite, mass, mgcv, nnet, rpart, randomforest, ranger, e1071, glmnet).
suppressPackageStartupMessages({
  library(MASS); library(mgcv); library(nnet); library(rpart)
  library(randomForest); library(ranger); library(e1071); library(glmnet)
})
set.seed(1)
cases <- list()

# What R answers: the label and the probabilities of classes, or a number or a row of numbers. `data` is what R is given;
# rows are sent without attributes, a factor as its text.
keep <- function(name, model, data, output = NULL, label = NULL, probabilities = NULL, named = "output") {
  saveRDS(model, file.path("files", paste0(name, ".rds")), compress = "xz")
  case <- list(rows = lapply(seq_len(nrow(data)), function(row) {
    lapply(data[row, , drop = FALSE], function(value) if (is.na(value)) NA else if (is.factor(value)) as.character(value) else value)
  }))
  if (!is.null(output)) case[[named]] <- if (is.matrix(output) && ncol(output) > 1) unname(output) else unname(as.vector(output))
  if (!is.null(label)) case$label <- as.character(label)
  if (!is.null(probabilities)) case$probabilities <- lapply(seq_len(nrow(probabilities)), function(row) as.list(probabilities[row, ]))
  cases[[name]] <<- case
}
two <- function(second, levels) structure(cbind(1 - second, second), dimnames = list(NULL, levels))
likelier <- function(p) colnames(p)[max.col(p, "first")]

cars <- mtcars[c("mpg", "cyl", "hp", "wt", "am", "gear")]
cars$gears <- factor(c("three", "four", "five")[cars$gear - 2], levels = c("three", "four", "five"))
cars$shift <- factor(ifelse(cars$am == 1, "by hand", "für dich"))
cars$fast <- cars$hp > 120
some <- cars[c(1, 4, 8, 15, 20, 29), ]
gaps <- some; gaps$wt[2] <- NA

# lm and its relatives
m <- lm(mpg ~ log(wt) + hp * gears + I(hp^2) + fast, cars)
keep("lm", m, gaps[c("wt", "hp", "gears", "fast")], predict(m, gaps))
m <- lm(mpg ~ poly(wt, 2) + factor(cyl), cars, model = FALSE)
keep("lm_computed", m, some[c("wt", "cyl")], predict(m, some))
in_function <- function(table, unused = stop("never")) { scale <- 3; lm(mpg ~ I(wt * scale) + hp, data = table) }
m <- in_function(cars[c("mpg", "wt", "hp")])
keep("lm_in_function", m, some[c("wt", "hp")], predict(m, some))
m <- local({ delayedAssign("later", stop("never")); lm(mpg ~ hp, cars[c("mpg", "hp")]) })
keep("lm_in_local", m, some["hp"], predict(m, some))
m <- lm(cbind(mpg, hp) ~ wt + gears, cars)
keep("mlm", m, some[c("wt", "gears")], predict(m, some))
m <- aov(mpg ~ gears + wt, cars)
keep("aov", m, some[c("gears", "wt")], predict(m, some))
m <- rlm(mpg ~ wt + hp, cars)
keep("rlm", m, some[c("wt", "hp")], predict(m, some))
german <- setNames(cars[c("mpg", "wt")], c("größe", "gewicht in t"))
m <- lm(`größe` ~ `gewicht in t`, german)
keep("lm_names", m, german[1:3, "gewicht in t", drop = FALSE], predict(m, german[1:3, ]))

# glm and its relatives
m <- glm(shift ~ wt, cars, family = binomial)
p <- two(predict(m, gaps, type = "response"), levels(cars$shift))
keep("glm_classes", m, gaps["wt"], label = likelier(replace(p, is.na(p), 0.5)), probabilities = p)
cases$glm_classes$label[2] <- NA
m <- glm(am ~ wt, cars, family = binomial)
keep("glm_probability", m, some["wt"], predict(m, some, type = "response"), named = "probability")
m <- glm(hp ~ gears + offset(log(wt)), cars, family = poisson)
keep("glm_offset", m, some[c("gears", "wt")], predict(m, some, type = "response"))
m <- suppressWarnings(glm.nb(hp ~ wt, cars))
keep("negbin", m, some["wt"], predict(m, some, type = "response"))
m <- gam(mpg ~ s(wt, k = 4) + gears, data = cars)
keep("gam", m, gaps[c("wt", "gears")], predict(m, gaps, type = "response"))
m <- loess(mpg ~ wt, cars)
keep("loess", m, data.frame(wt = c(2, 3, NA, 9)), predict(m, data.frame(wt = c(2, 3, NA, 9))))
m <- nls(mpg ~ a + b * exp(-wt), cars, start = list(a = 10, b = 50))
keep("nls", m, some["wt"], predict(m, some))

# trees
m <- rpart(gears ~ wt + shift + hp, cars, minsplit = 4)
keep("rpart_classes", m, gaps[c("wt", "shift", "hp")], label = predict(m, gaps, type = "class"), probabilities = predict(m, gaps))
m <- rpart(mpg ~ wt + gears, cars)
keep("rpart", m, gaps[c("wt", "gears")], predict(m, gaps))
m <- randomForest(gears ~ wt + shift + hp, cars, ntree = 5)
keep("forest_classes", m, some[c("wt", "shift", "hp")], label = predict(m, some), probabilities = predict(m, some, type = "prob"))
m <- randomForest(cars[c("wt", "gears")], cars$mpg, ntree = 4)
keep("forest", m, some[c("wt", "gears")], predict(m, some))
m <- ranger(gears ~ wt + shift, cars, num.trees = 4, probability = TRUE, respect.unordered.factors = "order")
p <- predict(m, some)$predictions
keep("ranger_probabilities", m, some[c("wt", "shift")], label = likelier(p), probabilities = p)
m <- ranger(gears ~ wt + hp, cars, num.trees = 5)
keep("ranger_classes", m, some[c("wt", "hp")], label = predict(m, some)$predictions)
m <- ranger(mpg ~ wt + gears, cars, num.trees = 4) # of factors it keeps no levels: their numbers are sent
p <- predict(m, some)$predictions
keep("ranger", m, transform(gaps[c("wt", "gears")], gears = as.integer(gears)), replace(p, 2, NA))

# vectors, networks, discriminants
m <- svm(gears ~ wt + gear, cars)
keep("svm_classes", m, some[c("wt", "gear")], label = predict(m, some))
m <- svm(gears ~ wt + hp, cars, probability = TRUE)
p <- attr(predict(m, some, probability = TRUE), "probabilities")[, levels(cars$gears)]
keep("svm_probabilities", m, some[c("wt", "hp")], label = predict(m, some), probabilities = p)
m <- svm(as.matrix(cars[c("wt", "hp")]), cars$mpg)
keep("svm", m, some[c("wt", "hp")], predict(m, as.matrix(some[c("wt", "hp")])))
m <- naiveBayes(gears ~ wt + shift, cars)
keep("bayes", m, gaps[c("wt", "shift")], label = predict(m, gaps), probabilities = structure(predict(m, gaps, type = "raw"), dimnames = list(NULL, levels(cars$gears))))
m <- nnet(gears ~ wt + shift, cars, size = 2, trace = FALSE)
keep("nnet_classes", m, some[c("wt", "shift")], label = predict(m, some, type = "class"), probabilities = predict(m, some))
m <- nnet(mpg ~ wt + hp, cars, size = 2, linout = TRUE, trace = FALSE)
keep("nnet", m, some[c("wt", "hp")], predict(m, some))
m <- multinom(gears ~ wt + shift, cars, trace = FALSE)
keep("multinom", m, some[c("wt", "shift")], label = predict(m, some), probabilities = predict(m, some, type = "probs"))
m <- lda(gears ~ wt + hp, cars)
keep("lda", m, some[c("wt", "hp")], label = predict(m, some)$class, probabilities = predict(m, some)$posterior)
m <- qda(cars[c("wt", "hp")], cars$shift)
p <- predict(m, as.matrix(some[c("wt", "hp")]))
keep("qda", m, some[c("wt", "hp")], label = p$class, probabilities = p$posterior)
m <- polr(gears ~ wt, cars)
keep("polr", m, some["wt"], label = predict(m, some), probabilities = predict(m, some, type = "probs"))
x <- as.matrix(cars[c("wt", "hp", "gear")])
new <- as.matrix(some[c("wt", "hp", "gear")])
m <- cv.glmnet(x, cars$mpg, nfolds = 4, nlambda = 20)
keep("glmnet", m, some[c("wt", "hp", "gear")], predict(m, new, s = "lambda.1se"))
m <- cv.glmnet(x, cars$shift, family = "binomial", nfolds = 4, nlambda = 20)
p <- two(as.vector(predict(m, new, s = "lambda.1se", type = "response")), levels(cars$shift))
keep("glmnet_classes", m, some[c("wt", "hp", "gear")], label = likelier(p), probabilities = p)

for (name in names(cases)) cases[[name]]$probabilities <- lapply(cases[[name]]$probabilities, lapply, jsonlite::unbox)
for (name in names(cases)) cases[[name]]$rows <- lapply(cases[[name]]$rows, lapply, jsonlite::unbox)
writeLines(jsonlite::toJSON(cases, digits = I(17), na = "null", pretty = 1), "files/answers.json")
