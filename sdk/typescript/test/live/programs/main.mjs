// `follow` for runtimes that have a process: told what to do by the environment, printing a JSON object a line.
import * as client from '@cstar/client';

import { follow } from './follow.mjs';

await follow(client, JSON.parse(process.env.FOLLOW), (line) => console.log(JSON.stringify(line)));
