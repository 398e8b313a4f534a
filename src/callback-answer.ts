/** Whether a callback of the application will answer later. */
export function isThenable(answer: unknown): answer is PromiseLike<unknown> {
  if (answer instanceof Promise) return true;
  return typeof answer === 'object' && answer !== null && 'then' in answer && typeof answer.then === 'function';
}

/**
 * Waits for a callback's answer, and no longer than it may take: one that never answers must not hold a client for ever. What
 * it answers later is ignored.
 *
 * @param late - makes the error that it rejects with after `timeoutMs`
 */
export function inTime<T>(answer: PromiseLike<T>, timeoutMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), timeoutMs);
  });
  return Promise.race([answer, over]).finally(() => clearTimeout(timer));
}
