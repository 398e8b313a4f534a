import { PYTHON, SWAKS } from '../support/line-clients.js';
import { inEveryWay } from '../support/matrix.js';

for (const client of [PYTHON, SWAKS]) inEveryWay(client);
