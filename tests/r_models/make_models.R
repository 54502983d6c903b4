# Makes the models in files/ and R's own answers to some rows: Rscript make_models.R (Debian 12: r-base-core and r-cran-
# jsonlite, mass, mgcv, nnet, rpart, randomforest, ranger, e1071, glmnet).
suppressPackageStartupMessages({
  library(MASS); library(mgcv); library(nnet); library(rpart)
  library(randomForest); library(ranger); library(e1071); library(glmnet); library(splines)
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

latin <- function(text) iconv(text, "UTF-8", "latin1") # as R on Windows wrote texts before 4.2
windows <- setNames(data.frame(cars$mpg, cars$wt, cars$shift), latin(c("mpg", "größe", "art")))
levels(windows$art) <- latin(c("von Hand", "für dich"))
m <- glm(art ~ ., windows[latin(c("größe", "art"))], family = binomial)
p <- two(predict(m, windows[c(1, 5), ], type = "response"), levels(windows$art))
keep("latin", m, setNames(data.frame(cars$wt[c(1, 5)]), "größe"), label = likelier(p), probabilities = p)

days <- data.frame(day = as.Date("2024-01-01") + 1:9 * 7, y = sqrt(1:9))
m <- lm(y ~ day, days)
new <- data.frame(day = as.Date(c("2024-02-29", NA, "2025-01-01")))
keep("date", m, transform(new, day = as.character(day)), predict(m, new))

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

# what formulas can have, and columns of every kind
cars$size <- factor(cut(cars$wt, 3, labels = c("s", "m", "l")), ordered = TRUE)
cars$word <- as.character(cars$shift)
cars$int <- as.integer(cars$hp)
some <- cars[c(1, 4, 8, 15, 20, 29), ]
m <- lm(mpg ~ size + word + int, cars)
keep("ordered", m, some[c("size","word","int")], predict(m, some))
m <- lm(mpg ~ ns(wt, 3) + bs(hp), cars)
keep("splines", m, some[c("wt","hp")], predict(m, some))
m <- lm(mpg ~ ., cars[c("mpg","wt","hp","gears")], weights=cars$wt)
keep("weights", m, some[c("wt","hp","gears")], predict(m, some))
m <- step(lm(mpg ~ wt*hp + gears, cars), trace=0)
keep("step", m, some[c("wt","hp")], predict(m, some))
m <- glm(hp ~ wt, cars, family=poisson, offset=log(wt))
keep("offset_argument", m, some["wt"], predict(m, some, type="response"))
m <- lm(mpg ~ gears, cars, contrasts=list(gears="contr.sum"))
keep("contrasts", m, some["gears"], predict(m, some))
m <- update(lm(mpg ~ wt, cars), . ~ . + shift:gears)
keep("update", m, some[c("wt","shift","gears")], suppressWarnings(predict(m, some)))
fits <- lapply(c("wt","hp"), function(v) lm(reformulate(v, "mpg"), cars))
keep("lapply", fits[[2]], some["hp"], predict(fits[[2]], some))
m <- lm(sqrt(mpg) ~ scale(wt) + cut(hp, c(0,100,200,400)), cars)
keep("scale_cut", m, some[c("wt","hp")], predict(m, some))
m <- lm(mpg ~ I(shift == "by hand") + wt, cars)
keep("compare", m, some[c("shift","wt")], predict(m, some))
m <- lm(mpg ~ interaction(shift, gears), cars)
keep("interaction", m, some[c("shift","gears")], predict(m, some))
m <- lm(mpg ~ relevel(gears, "five"), cars)
keep("relevel", m, some["gears"], predict(m, some))
unknown <- transform(cars, gears = replace(gears, c(2, 9, 20), NA))
m <- lm(mpg ~ wt + addNA(gears), unknown)
keep("addna", m, rbind(some[c("wt", "gears")], data.frame(wt = 3, gears = NA)),
     predict(m, rbind(some[c("wt", "gears")], data.frame(wt = 3, gears = NA))))
m <- lm(mpg ~ pmax(wt, 3) + as.numeric(fast), cars)
keep("pmax", m, some[c("wt","fast")], predict(m, some))
m <- rpart(mpg ~ size + word + fast, cars, minsplit=4)
keep("rpart_mixed", m, some[c("size","word","fast")], predict(m, some))
m <- randomForest(x=data.matrix(cars[c("wt","hp")]), y=cars$shift, ntree=3)
keep("rf_matrix", m, some[c("wt","hp")], label=predict(m, data.matrix(some[c("wt","hp")])), probabilities=predict(m, data.matrix(some[c("wt","hp")]), type="prob"))
m <- naiveBayes(cars[c("wt","fast","size")], cars$shift)
p<-predict(m, some, type="raw")
keep("bayes_mixed", m, some[c("wt","fast","size")], label=predict(m, some), probabilities=p)
m <- polr(gears ~ wt + shift, cars)
keep("polr2", m, some[c("wt","shift")], label=predict(m,some), probabilities=predict(m,some,type="probs"))
m <- nnet(shift ~ wt, cars, size=2, trace=FALSE)
p<-two(as.vector(predict(m,some)), levels(cars$shift))
keep("nnet_two", m, some["wt"], label=predict(m,some,type="class"), probabilities=p)
m <- multinom(shift ~ wt, cars, trace=FALSE)
p<-two(as.vector(predict(m,some,type="probs")), levels(cars$shift))
keep("multinom_two", m, some["wt"], label=predict(m,some), probabilities=p)
m <- gam(shift ~ s(wt,k=4), data=cars, family=binomial)
p<-two(as.vector(predict(m,some,type="response")), levels(cars$shift))
keep("gam_two", m, some["wt"], label=likelier(p), probabilities=p)
m <- gam(mpg ~ s(wt, by=shift, k=3) + te(hp, int, k=3), data=cars)
keep("gam_by", m, some[c("wt","shift","hp","int")], predict(m, some, type="response"))
m <- svm(shift ~ ., cars[c("shift","wt","hp")], probability=TRUE, kernel="linear")
p<-attr(predict(m,some,probability=TRUE),"probabilities")[,levels(cars$shift)]
keep("svm_two", m, some[c("wt","hp")], label=predict(m,some), probabilities=p)
m <- lda(gears ~ wt + fast, cars)
keep("lda_bool", m, some[c("wt","fast")], label=predict(m,some)$class, probabilities=predict(m,some)$posterior)
m <- cv.glmnet(data.matrix(cars[c("wt","hp","int")]), cars$gears, family="multinomial", nfolds=3, nlambda=10)
n<-data.matrix(some[c("wt","hp","int")])
p<-predict(m,n,s="lambda.1se",type="response")[,,1]
keep("glmnet_multi", m, some[c("wt","hp","int")], label=likelier(p), probabilities=p)
m <- ranger(shift ~ wt + fast, cars, num.trees=3, probability=TRUE)
p<-predict(m,some)$predictions
keep("ranger_bool", m, transform(some[c("wt","fast")], fast=as.numeric(fast)), label=likelier(p), probabilities=p)
m <- rpart(fast ~ wt + gears, cars, method="class")
keep("rpart_logical", m, some[c("wt","gears")], label=predict(m,some,type="class"), probabilities=predict(m,some))
m <- loess(mpg ~ wt + hp, cars)
keep("loess2", m, some[c("wt","hp")], predict(m,some))
m <- glm(cbind(am, 1-am) ~ wt, cars, family=binomial)
keep("glm_matrix", m, some["wt"], predict(m, some, type="response"), named="probability")
m <- glm(fast ~ wt, cars, family=binomial(link="probit"))
keep("glm_logical", m, some["wt"], predict(m, some, type="response"), named="probability")

for (name in names(cases)) cases[[name]]$probabilities <- lapply(cases[[name]]$probabilities, lapply, jsonlite::unbox)
for (name in names(cases)) cases[[name]]$rows <- lapply(cases[[name]]$rows, lapply, jsonlite::unbox)
writeLines(jsonlite::toJSON(cases, digits = I(17), na = "null", pretty = 1), "files/answers.json")
