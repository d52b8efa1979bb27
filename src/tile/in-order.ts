// Concurrency that keeps the order: several items are in work at once, results come out as they went in. Not a
// queue: nothing is pulled from the source before there is room for it.

/**
 * Maps a source with at most `limit` items held at a time, whether asked for, in work, or finished and waiting
 * for the consumer. A result leaves as soon as all before it have left; it never waits for the next input.
 *
 * When `work` rejects, so does this generator at that item's turn; what else is in work then is the caller's to
 * stop (its rejections are swallowed here, so that none goes unhandled).
 *
 * @param source  its `next()` may be called again before the last call has resolved (arrays and async generators
 *                allow it)
 * @param limit   a whole number, at least 1
 */
export async function* mapInOrder<In, Out>(
  source: Iterable<In> | AsyncIterable<In>,
  limit: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out, void, void> {
  const items = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const turns: Promise<{ readonly value: Out } | undefined>[] = [];
  async function turn(): Promise<{ readonly value: Out } | undefined> {
    const item = await items.next();
    return item.done ? undefined : { value: await work(item.value) };
  }

  for (;;) {
    while (turns.length < limit) {
      const next = turn();
      next.catch(() => {});
      turns.push(next);
    }
    const result = await turns.shift();
    if (result === undefined) return;
    yield result.value;
  }
}
