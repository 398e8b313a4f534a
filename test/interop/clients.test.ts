import { CURL, MSMTP, NODEMAILER } from '../support/line-clients.js';
import { inEveryWay } from '../support/matrix.js';

for (const client of [CURL, MSMTP, NODEMAILER]) inEveryWay(client);
