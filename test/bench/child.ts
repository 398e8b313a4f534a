import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Answer, ClientOrders, Envelope, Order, ServerOrders } from './orders.js';

/** A process that takes orders, one at a time. */
export class Child<T extends { [K in keyof T]: Order }> implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #name: string;

  /** @param script - a file that obeys, seen from this folder */
  constructor(script: string, name: string, execArgv: readonly string[]) {
    this.#name = name;
    this.#process = fork(join(import.meta.dirname, script), { execArgv: [...execArgv] });
  }

  static server(name: string, execArgv: readonly string[]): Child<ServerOrders> {
    return new Child<ServerOrders>('server.js', `${name}, server`, execArgv);
  }

  static client(name: string): Child<ClientOrders> {
    return new Child<ClientOrders>('client.js', `${name}, client`, []);
  }

  /** @throws what the process failed with, or that it is gone */
  async tell<K extends keyof T & string>(name: K, order: T[K]['order']): Promise<T[K]['answer']> {
    if (this.#ended) throw new Error(this.#ending());
    const gone = new AbortController();
    const onExit = (): void => gone.abort();
    this.#process.once('exit', onExit);
    const envelope: Envelope = { do: name, order };
    this.#process.send(envelope, () => {}); // a failure to send is an exit, too
    try {
      const [answer]: Answer[] = await once(this.#process, 'message', { signal: gone.signal });
      if (answer === undefined || 'failure' in answer) throw new Error(answer?.failure ?? 'no answer');
      return answer.answer as T[K]['answer'];
    } catch (problem) {
      if (gone.signal.aborted) throw new Error(this.#ending());
      throw new Error(`${this.#name}: ${problem instanceof Error ? problem.message : 'unknown'}`);
    } finally {
      this.#process.off('exit', onExit);
    }
  }

  /** Lets the process go and waits for its end: what it still has to write is written then. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    const exit = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    await exit;
  }

  get #ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  #ending(): string {
    return `${this.#name}: the process ended (${this.#process.signalCode ?? `exit code ${this.#process.exitCode}`})`;
  }
}
