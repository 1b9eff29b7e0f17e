// Is the mean of a bounded loss at most alpha? A p-value and an upper bound that hold for any number of observations and
// any distribution on [0, 1]: the betting of Waudby-Smith and Ramdas 2020 ("Estimating means of bounded random variables by
// betting"), one-sided as in Bates et al. 2021 ("Distribution-free, risk-controlling prediction sets", proposition 6).
//
// A gambler starts with 1 and bets against "the mean is above alpha"; were that true, the capital would rarely ever
// reach 1 / delta (Ville's inequality). Bets may depend on earlier observations only, and are otherwise free. Here they
// start bold (a prior mean of 0 and variance of 0.01 instead of 1/2 and 1/4) and may go to 0.99 / (1 - alpha) instead
// of 1, which suits losses that are small shares of pixels.
//
// Why not Hoeffding-Bentkus (Bates et al. 2021, proposition 4): it does not look at the variance. With losses of mean
// 0.01 and standard deviation 0.014 (beta), 250 observations and delta 0.1, betting shows 0.02 in four of five cases and
// Hoeffding-Bentkus in none. It is ahead for losses that are 0 or 1, which means over blocks of frames are not.

/** Largest bet, as a share of the one that a loss of 1 turns into ruin. */
const boldest = 0.99;

/** Variance of losses before any was seen; counts as one observation of 0. */
const priorVariance = 0.01;

/** Halvings that settle a bound, to 1e-12. */
const halvings = 40;

/**
 * Evidence against "the mean of these losses is above alpha": at most delta with probability at most delta where it is.
 * Losses must be independent with one distribution, or at least have a mean above alpha whatever came before. The order
 * matters; it must not depend on the values.
 * @param losses each from 0 to 1
 * @param delta level at which the value will be compared; bets are sized for it
 */
export function meanPValue(losses: ArrayLike<number>, alpha: number, delta: number): number {
  return pValue(losses, betsOf(losses, delta), alpha);
}

/**
 * A bound that the mean of the losses exceeds with probability at most delta: the least alpha that
 * {@link meanPValue} shows at this level. 1 where nothing less can be shown.
 */
export function meanBound(losses: ArrayLike<number>, delta: number): number {
  const bets = betsOf(losses, delta);
  // The capital grows with alpha, bet by bet, so the p-value falls with it.
  let low = 0;
  let high = 1;
  for (let step = 0; step < halvings; step++) {
    const middle = (low + high) / 2;
    if (pValue(losses, bets, middle) <= delta) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * The least mean that `count` losses can show at level delta: that of losses which are all 0. No test at all can show
 * less than 1 - delta^(1 / count), which this is within about one in a hundred of.
 */
export function leastMean(count: number, delta: number): number {
  return count === 0 ? 1 : meanBound(new Float64Array(count), delta);
}

/** Number of losses, all of them 0, that show a mean of at most alpha at level delta. */
export function lossesNeeded(alpha: number, delta: number): number {
  // Bets on zeros are the boldest for as long as that pays, so the capital is about (1 - alpha)^(-0.99 count).
  let low = Math.max(1, Math.floor(Math.log(delta) / Math.log1p(-alpha)) - 1);
  let high = low;
  while (leastMean(high, delta) > alpha) {
    low = high;
    high *= 2;
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (leastMean(middle, delta) > alpha) low = middle;
    else high = middle;
  }
  return high;
}

/** Sizes of the bets, each from the losses before it: sqrt(2 log(1 / delta) / (n variance)). */
function betsOf(losses: ArrayLike<number>, delta: number): Float64Array {
  const count = losses.length;
  const bets = new Float64Array(count);
  let sum = 0;
  let squares = priorVariance;
  for (let at = 0; at < count; at++) {
    bets[at] = Math.sqrt((2 * Math.log(1 / delta) * (at + 1)) / (count * squares));
    const loss = losses[at] ?? 0;
    sum += loss;
    squares += (loss - sum / (at + 2)) ** 2;
  }
  return bets;
}

/** 1 over the highest capital that the bets ever make. */
function pValue(losses: ArrayLike<number>, bets: Float64Array, alpha: number): number {
  if (alpha >= 1) return 0;
  const limit = boldest / (1 - alpha);
  let capital = 1;
  let highest = 1;
  for (let at = 0; at < bets.length; at++) {
    capital *= 1 - Math.min(bets[at] ?? 0, limit) * ((losses[at] ?? 0) - alpha);
    if (capital > highest) highest = capital;
  }
  return 1 / highest;
}
