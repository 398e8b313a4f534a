import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv4 } from 'node:net';

/** By question, `A a.test`: one value, `null` for a name without records of that kind, `silence` for no answer at all. */
type Records = Readonly<Record<string, string | null>>;

const TYPES: Readonly<Record<number, string>> = { 1: 'A', 12: 'PTR', 28: 'AAAA' };
const [NO_ERROR, NAME_ERROR] = [0, 3] as const;

/** A name server on the loopback that knows what it is given: any other name does not exist (RFC 1035). */
export class NameServer implements AsyncDisposable {
  readonly #socket: Socket = createSocket('udp4');
  readonly asked: string[] = [];

  static async start(records: Records): Promise<NameServer> {
    const server = new NameServer();
    server.#socket.on('message', (query, from) => {
      const answer = server.#answer(query, records);
      if (answer !== null) server.#socket.send(answer, from.port, from.address);
    });
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #answer(query: Buffer, records: Records): Buffer | null {
    const { name, end } = questionOf(query);
    const type = query.readUInt16BE(end);
    const question = `${TYPES[type]} ${name}`;
    this.asked.push(question);
    const value = records[question];
    if (value === 'silence') return null;
    const data = typeof value === 'string' ? dataOf(value) : null;
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | (value === undefined ? NAME_ERROR : NO_ERROR), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(data === null ? 0 : 1, 6);
    const parts = [head, query.subarray(12, end + 4)];
    if (data !== null) {
      const record = Buffer.alloc(12);
      record.writeUInt16BE(0xc00c, 0); // a pointer to the name in the question
      record.writeUInt16BE(type, 2);
      record.writeUInt16BE(1, 4);
      record.writeUInt32BE(60, 6);
      record.writeUInt16BE(data.length, 10);
      parts.push(record, data);
    }
    return Buffer.concat(parts);
  }
}

function questionOf(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 };
}

/** An address as its octets, a name as its labels. */
function dataOf(value: string): Buffer {
  if (isIPv4(value)) return Buffer.from(value.split('.').map(Number));
  if (value.includes(':')) {
    const [before = '', after = ''] = value.split('::').map((half) =>
      half
        .split(':')
        .map((group) => group.padStart(4, '0'))
        .join(''),
    );
    return Buffer.from(before.padEnd(32 - after.length, '0') + after, 'hex');
  }
  const labels = value.split('.').map((one) => Buffer.concat([Buffer.from([one.length]), Buffer.from(one)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
