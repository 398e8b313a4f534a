/** An answer that is there, or that comes later. Where nothing has to be waited for no promise is made. */
export type Eventual<T> = T | Promise<T>;

/** Goes on with an answer: now, if it is there. */
export function andThen<T, U>(answer: Eventual<T>, go: (value: T) => Eventual<U>): Eventual<U> {
  return answer instanceof Promise ? answer.then(go) : go(answer);
}
