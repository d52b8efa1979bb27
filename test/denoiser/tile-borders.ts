// Where tiles meet, for looking at seams: shared by the test and the benchmark.

/** Whether a position lies within two pixels of a border between tiles. */
export function nearBorder(starts: readonly number[], tile: number, length: number): boolean[] {
  const borders = starts.flatMap((start, i) => [
    ...(i > 0 ? [start] : []),
    ...(i < starts.length - 1 ? [start + tile] : []),
  ]);
  return Array.from({ length }, (_, at) => borders.some((border) => at >= border - 2 && at < border + 2));
}
