// Works on several items at once and keeps their order. Not a queue: it pulls an item from the source only when there is room.

/**
 * Maps a source and holds at most `limit` items at a time: asked for, in work, or finished and waiting for the consumer. A
 * result never waits for the next input. If `work` rejects, so does this generator at that item's turn; the caller stops the
 * other work, whose rejections are swallowed here.
 *
 * @param source  its `next()` may be called before the last call has resolved (arrays and async generators allow it)
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
