// The reason that a promise rejects with; an error when it does not.
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  let error: unknown;
  await promise.then(
    () => {
      throw new Error('it did not reject');
    },
    (reason: unknown) => {
      error = reason;
    },
  );
  return error;
}
