import { atLeast, atMost, exactly, type Row } from '../row.js';
import { delivers } from '../visitors.js';

const CLIENTS = 30;

export const loopDelay: Row = {
  name: 'R4',
  title: 'the server’s event loop with 30 clients that deliver, each message with a handshake of its own',
  reason: 'whoever embeds the server has other work in the same loop',
  size: { target: 10, small: 0.3 },
  async run({ count: seconds, trust, serve, progress }) {
    const server = await serve();
    const deliverFor = async (ms: number): Promise<number> => {
      const end = performance.now() + ms;
      let delivered = 0;
      const one = async (): Promise<void> => {
        do {
          await delivers(server.port, trust);
          delivered++;
        } while (performance.now() < end);
      };
      await Promise.all(Array.from({ length: CLIENTS }, one));
      return delivered;
    };
    progress('warms up');
    const before = await deliverFor(seconds * 100);
    await server.watchLoop();
    progress(`${seconds} s`);
    const delivered = await deliverFor(seconds * 1_000);
    const { accepted, loopDelayP99Ms } = await server.now();
    return {
      figures: [
        atLeast('messages', delivered, 'count', CLIENTS),
        exactly('messages lost', before + delivered - accepted, 0),
        atMost('delay of the loop, p99', loopDelayP99Ms, 'ms', 60),
      ],
    };
  },
};
