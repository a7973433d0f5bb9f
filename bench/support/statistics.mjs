/** The value below which `share` of the sorted numbers lie. */
export function percentile(numbers, share) {
  const sorted = Float64Array.from(numbers).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function median(numbers) {
  const sorted = Float64Array.from(numbers).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How far the repetitions lie apart: half the distance between the quartiles, relative to the median. */
export function noise(numbers) {
  if (numbers.length < 2) return 0;
  const middle = median(numbers);
  return middle === 0 ? 0 : (percentile(numbers, 0.75) - percentile(numbers, 0.25)) / 2 / middle;
}

/**
 * Runs both sides of a pair by turns, in the order A B, B A, A B, …, so that whatever drifts (temperature, caches, a
 * growing database) meets both alike.
 */
export async function alternate(repetitions, ours, theirs) {
  const values = [];
  const limits = [];
  for (let index = 0; index < repetitions; index += 1) {
    const turns = [async () => values.push(await ours(index)), async () => limits.push(await theirs(index))];
    if (index % 2 === 1) turns.reverse();
    for (const turn of turns) await turn();
  }
  return { values, limits };
}
