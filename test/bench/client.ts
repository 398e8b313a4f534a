import { type Driver, driverOf } from './drivers.js';
import { type ClientOrders, obey } from './orders.js';

/** A load client in a process of its own; run by the bench, with an IPC channel. */

let driver: Driver | null = null;

obey<ClientOrders>({
  async prepare({ port, ca, load }) {
    driver = await driverOf(load, port, ca);
    return null;
  },
  async run({ forMs }) {
    if (driver === null) throw new Error('run before prepare');
    return driver.run(forMs);
  },
});
