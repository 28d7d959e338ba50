// Programs that the tests start, and end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { waitFor } from './wait.mjs';

/** The binary that was built for this run. */
export const CSTAR = process.env.CSTAR_BIN ?? new URL('../../target/debug/cstar', import.meta.url).pathname;

/** The environment, less what would lead a program under test astray: settings of ours, and proxies. */
const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^CSTAR_|_proxy$/i.test(name)),
);

/** A running program with all that it has printed so far. */
export class Child {
  stdout = '';
  stderr = '';
  #process;
  #exited;

  constructor(program, args, { cwd, env = {}, onStdout } = {}) {
    this.name = `${program.split('/').pop()} ${args[0] ?? ''}`.trim();
    this.#process = spawn(program, args, { cwd, env: { ...ENVIRONMENT, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of ['stdout', 'stderr']) {
      this.#process[stream].setEncoding('utf8').on('data', (text) => (this[stream] += text));
    }
    if (onStdout) this.#process.stdout.on('data', onStdout);
    this.#exited = Promise.race([once(this.#process, 'close'), once(this.#process, 'error')]).then(([code]) => {
      if (code instanceof Error) this.stderr += code.message;
      this.exitCode = code ?? 'killed';
    });
  }

  get ended() {
    return this.exitCode !== undefined;
  }

  /** Waits for the condition; an end of the program before it is an error that shows what the program said. */
  async until(what, condition, seconds) {
    const told = () => `${what} from ${this.name}; it said:\n${this.stdout}\n${this.stderr}`;
    return waitFor(told, async () => {
      const answer = await condition();
      if (!answer && this.ended) throw new Error(`${this.name} ended (${this.exitCode}) before ${what}:\n${this.stdout}\n${this.stderr}`);
      return answer;
    }, seconds);
  }

  /** The exit status, once it is there. */
  async end() {
    await this.#exited;
    return this.exitCode;
  }

  async kill(signal = 'SIGKILL') {
    this.#process.kill(signal);
    return this.end();
  }
}

/** Runs to the end and fails on any status but 0. */
export async function run(program, args, options) {
  const child = new Child(program, args, options);
  const status = await child.end();
  if (status !== 0) throw new Error(`${child.name} ended (${status}):\n${child.stdout}\n${child.stderr}`);
  return child;
}
