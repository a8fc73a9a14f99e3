# Reference values for tests/surveys: Rscript reference.R in this folder writes trial.csv, items.csv, shuffled.csv and reference.json beside it.
# Made with R 4.2.2, lme4 1.1-31, lmerTest 3.1-3, pbkrtest 0.5.2, nlme 3.1-162, MASS 7.3-58, clubSandwich 0.5.8, psych 2.2.9, mice 3.15.0.
suppressMessages({library(lme4); library(lmerTest); library(pbkrtest); library(nlme); library(MASS); library(clubSandwich); library(psych)})

# a simulated trial: 12 departments of unequal size, half of them with the programme, three waves, answers missing
set.seed(20240611)
sizes <- c(4, 6, 7, 9, 5, 8, 10, 6, 7, 5, 9, 8)
dept <- rep(sprintf("D%02d", 1:12), sizes)
arm <- as.integer(as.integer(substr(dept, 2, 3)) %% 2 == 0)
n <- length(dept)
u <- rnorm(12, 0, 2)[as.integer(factor(dept))]
own <- rnorm(n, 0, 5)
base <- round(22 + u + own + rnorm(n, 0, 4), 1)
long <- do.call(rbind, lapply(1:3, function(w) data.frame(person = sprintf("P%03d", 1:n), dept = dept, arm = arm, wave = w, base = base,
  y = round(22 - 0.5 * w - 2 * arm + u + own + rnorm(n, 0, 3 + w), 1))))
long <- long[runif(nrow(long)) > 0.15 + 0.1 * (long$wave - 1), ]
long$level <- as.integer(cut(long$y, c(-Inf, 15, 20, 25, Inf)))
long$weight <- round(runif(nrow(long), 0.5, 2), 2)
long <- long[order(long$person, long$wave), ]
write.csv(long, "trial.csv", row.names = FALSE, quote = FALSE)
long$w <- factor(long$wave)
strict <- lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-8, maxfun = 1e5))

fixed <- function(m) {
  s <- coef(summary(m, ddf = "Satterthwaite")); k <- coef(summary(m, ddf = "Kenward-Roger"))
  v <- as.data.frame(VarCorr(m))
  list(terms = rownames(s), coef = unname(s[, "Estimate"]), se = unname(s[, "Std. Error"]), df = unname(s[, "df"]),
       kr_se = unname(k[, "Std. Error"]), kr_df = unname(k[, "df"]), groups = v$grp, variances = v$vcov,
       deviance = unname(-2 * as.numeric(logLik(m, REML = TRUE))))
}
contrast <- function(m, l) { s <- contest1D(m, l, ddf = "Satterthwaite"); k <- contest1D(m, l, ddf = "Kenward-Roger")
  list(estimate = s$Estimate, se = s$`Std. Error`, df = s$df, kr_se = k$`Std. Error`, kr_df = k$df) }

m1 <- lmer(y ~ w * arm + base + (1 | dept / person), long, control = strict)
m2 <- lmer(y ~ w * arm + base + (1 | person), long, control = strict)
m3 <- lmer(strength ~ 1 + (1 | batch / cask), Pastes, control = strict)
m4 <- lmer(Reaction ~ Days + (1 | Subject), sleepstudy, control = strict)
last <- subset(long, wave == 3)
m5 <- lmer(y ~ arm + base + (1 | dept), last, control = strict)
m6 <- lmer(y ~ 1 + (1 | dept), subset(long, wave == 1), control = strict)
icc <- function(m) { p <- profile(m, which = 1:2, signames = FALSE); c <- confint(p, level = 0.95); as.list(as.data.frame(t(c))) }

# unstructured over waves, with and without a department intercept
g1 <- gls(y ~ w * arm + base, long, correlation = corSymm(form = ~ wave | person), weights = varIdent(form = ~ 1 | w), control = glsControl(tolerance = 1e-10, msTol = 1e-12, maxIter = 500, msMaxIter = 500))
g2 <- lme(y ~ w * arm + base, long, random = ~ 1 | dept / person, control = lmeControl(msMaxIter = 1000))
g3 <- lme(y ~ w * arm + base, long, random = list(dept = pdIdent(~1), person = pdSymm(~ w - 1)), control = lmeControl(sigma = 0.05, msMaxIter = 2000, maxIter = 500, tolerance = 1e-9, msTol = 1e-10, opt = "optim"))
unstructured <- list(
  gls = list(coef = unname(coef(g1)), se = unname(sqrt(diag(vcov(g1)))), deviance = unname(-2 * as.numeric(logLik(g1))), cov = matrix(as.numeric(getVarCov(g1, individual = names(which.max(table(long$person))))), 3)),
  lme_nearly = list(note = "residual SD fixed at 0.05 so that person effects of the three waves carry the unstructured matrix", coef = unname(fixef(g3)), se = unname(sqrt(diag(vcov(g3)))), dept_var = as.numeric(VarCorr(g3)[2, 1]), deviance = unname(-2 * as.numeric(logLik(g3)))))

# proportional odds
p1 <- polr(factor(level) ~ arm + base, last, Hess = TRUE)
ordinal <- list(coef = unname(coef(p1)), se = unname(sqrt(diag(vcov(p1)))[1:2]), cuts = unname(p1$zeta), deviance = p1$deviance)

# ANCOVA with cluster-robust standard errors
o <- lm(y ~ arm + base, last); ow <- lm(y ~ arm + base, last, weights = weight)
cr <- function(m, d, type) { s <- coef_test(m, vcov = type, cluster = d$dept, test = "Satterthwaite"); list(coef = s$beta[2], se = s$SE[2], df = s$df[2]) }
wald <- list(cr2 = cr(o, last, "CR2"), cr2_weighted = cr(ow, last, "CR2"), n = nrow(last))

# reliability: eight items of one factor, two of them reversed, cut to 1 to 5
f <- rnorm(150)
load <- c(.8, .7, .75, .6, .65, .5, .7, .55)
x <- sapply(1:8, function(j) { z <- load[j] * f + sqrt(1 - load[j]^2) * rnorm(150); as.integer(cut(z, c(-Inf, -1.2, -.4, .4, 1.2, Inf))) })
colnames(x) <- paste0("i", 1:8)
shown <- x; shown[, c(3, 6)] <- 6L - shown[, c(3, 6)]
write.csv(shown, "items.csv", row.names = FALSE, quote = FALSE)
rel <- function(x) { a <- suppressWarnings(psych::alpha(as.data.frame(x))); ci <- psych::alpha.ci(a$total$raw_alpha, nrow(x), ncol(x))
  fm <- fa(x, 1, fm = "minres", covar = FALSE); fl <- fa(x, 1, fm = "ml")
  # total of the one-factor model: squared sum of loadings over itself plus the sum of uniquenesses (correlations)
  tot <- function(l) { l <- as.numeric(l); sum(l)^2 / (sum(l)^2 + sum(1 - l^2)) }
  list(alpha = a$total$raw_alpha, std_alpha = a$total$std.alpha, mean_r = a$total$average_r, feldt_low = ci$lower.ci, feldt_high = ci$upper.ci,
       item_rest = unname(a$item.stats$r.drop), alpha_without = unname(a$alpha.drop$raw_alpha), loadings_minres = as.numeric(fm$loadings), loadings_ml = as.numeric(fl$loadings),
       omega_minres = tot(fm$loadings), omega_ml = tot(fl$loadings)) }
reliability <- list(items = rel(x), attitude = rel(attitude))

# departments shuffled, so that the variance between them is estimated as 0
set.seed(2)
shuffled <- last
shuffled$dept <- sample(shuffled$dept)
write.csv(shuffled[, c("person", "dept", "arm", "base", "y")], "shuffled.csv", row.names = FALSE, quote = FALSE)
m7 <- suppressMessages(lmer(y ~ arm + base + (1 | dept), shuffled, control = strict))

# Rubin's rules with Barnard and Rubin's degrees of freedom
rub <- mice::pool.scalar(c(1.9, 2.4, 2.1, 2.8, 2.2), c(0.81, 0.90, 0.77, 0.85, 0.88), n = 32, k = 2)
out <- list(mixed = list(dept_person = c(fixed(m1), list(average = contrast(m1, c(0, 0, 0, 1, 0, 1/3, 1/3)), average_note = "mean over three waves of the arm difference; terms in the order of terms")),
                         person = fixed(m2), pastes = fixed(m3), sleepstudy = fixed(m4), cross_section = fixed(m5), boundary = fixed(m7), wave1 = c(fixed(m6), list(profile_sd_dept_sd_residual_ml = icc(m6)))),
            unstructured = unstructured, ordinal = ordinal, wald = wald, reliability = reliability,
            rubin = list(estimates = c(1.9, 2.4, 2.1, 2.8, 2.2), variances = c(0.81, 0.90, 0.77, 0.85, 0.88), value = rub$qbar, total = rub$t, df = rub$df, fmi = rub$fmi, complete_df = 30))
writeLines(jsonlite::toJSON(out, digits = 12, auto_unbox = TRUE, pretty = TRUE), "reference.json")
