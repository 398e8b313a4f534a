// Who must use TLS? Asks a host list about addresses, and says why. DNS is asked only where an item needs it.
//   node examples/host-list.js '!192.0.2.7 : 192.0.2.0/24 : *.partner.example' 192.0.2.1 192.0.2.7
import { belongs, HostList, unknownRule } from 'tls-smtp/host-list';

const [source = '', ...addresses] = process.argv.slice(2);
let list;
try {
  list = HostList.parse(source);
} catch (error) {
  console.error(error.message); // it names the item, where it stands and what was expected
  process.exit(1);
}

for (const { item, message } of list.lint()) console.error(`warning: ${item}: ${message}`);

for (const address of addresses) {
  const match = await list.match({ address }, { use: unknownRule('require') });
  const must = belongs(match, 'require'); // an answer that cannot be had counts as yes here
  console.log(`${address} ${must ? 'must use TLS' : 'need not'}: ${match.result}, ${match.reason}`);
}
