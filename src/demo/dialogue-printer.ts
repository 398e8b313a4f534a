import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientVoiceEvent } from '../client/dialogue.js';
import { printable } from '../inspect/printable.js';

/** Colours where a person looks, plain text where the output is piped. */
export class Paint {
  readonly #colours: boolean;

  constructor(stream: { readonly isTTY?: boolean }) {
    this.#colours = stream.isTTY === true && process.env['NO_COLOR'] === undefined;
  }

  dim(text: string): string {
    return this.#as('2', text);
  }

  green(text: string): string {
    return this.#as('32', text);
  }

  cyan(text: string): string {
    return this.#as('36', text);
  }

  bold(text: string): string {
    return this.#as('1', text);
  }

  #as(code: string, text: string): string {
    return this.#colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}

/** Prints what the client says and hears while `work` runs, with a rule where clear text ends and TLS begins. */
export async function withDialogue<T>(paint: Paint, print: (line: string) => void, work: () => Promise<T>): Promise<T> {
  const onEvent = (message: unknown): void => {
    const event = message as ClientVoiceEvent;
    if (event.type === 'sent') print(`  ${paint.cyan('C:')} ${printable(event.line, 200)}`);
    if (event.type === 'received') print(`  ${paint.dim('S:')} ${printable(event.line, 200)}`);
    if (event.type === 'secured')
      print(paint.green(`  ${'─'.repeat(12)} TLS begins: ${event.cipher} ${'─'.repeat(12)}`));
  };
  subscribe('tls-smtp:client', onEvent);
  try {
    return await work();
  } finally {
    unsubscribe('tls-smtp:client', onEvent);
  }
}
