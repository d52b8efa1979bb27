// A command that was stopped by a signal and has more to say of it than that nothing was written.

/** Thrown in place of the signal's reason; its message is what the person who stopped it reads. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}
