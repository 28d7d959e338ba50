// `verify` and `follow` for runtimes that have a process: told what to do by the environment, printing a JSON object a line.
import * as client from '@cstar/client';

import { follow } from './follow.mjs';
import { verify } from './verify.mjs';

const told = JSON.parse(process.env.CSTAR_TOLD);
const print = (line) => console.log(JSON.stringify(line));
print(await verify(client, told.webhook));
await follow(client, told, print);
