// Where a block is played: in this process, or in a page of Chromium.
import * as client from '../built.mjs';
import { openBrowser, servePages } from './chromium.mjs';
import { play } from './programs/play.mjs';
import { waitFor } from './scene.mjs';

/** One block under way: what it told so far, and the word on which it goes on where it waits. `through()` is when it is done. */
class Playing {
  told = [];
  paused = new Promise((resume) => (this.resume = resume));

  /** What was told under this name. */
  named(name) {
    return this.told.filter(([told]) => told === name).map(([, ...args]) => args);
  }

  /** Waits until the block is through and its client has come to this position. */
  async reaches(position) {
    await waitFor(`the client at ${position}`, async () => (await this.lastEventId()) === position);
  }
}

class InNode extends Playing {
  #through;

  static async play(code, environment) {
    const playing = new InNode();
    Object.assign(process.env, environment);
    const tell = (...told) => void playing.told.push(told);
    playing.#through = play(code, client, { tell, pause: () => playing.paused });
    return playing;
  }

  async through() {
    await this.#through;
  }

  async lastEventId() {
    return (await this.#through).realtime.lastEventId;
  }

  async end() {
    (await this.#through).destroy();
  }
}

class InChromium extends Playing {
  #page;

  static async play(code, environment, { browser, pages }) {
    const playing = new InChromium();
    const page = (playing.#page = await browser.newPage());
    await page.exposeFunction('tell', (...told) => void playing.told.push(told));
    await page.exposeFunction('pause', () => playing.paused);
    await page.goto(pages.url);
    await page.evaluate(async ([code, env]) => {
      // As a bundler writes it into a page.
      globalThis.process = { env };
      const [{ play }, client] = await Promise.all([import('/programs/play.mjs'), import('/client.js')]);
      globalThis.through = play(code, client, { tell: globalThis.tell, pause: globalThis.pause });
    }, [code, environment]);
    return playing;
  }

  async through() {
    await this.#page.evaluate(async () => void (await globalThis.through));
  }

  async lastEventId() {
    return this.#page.evaluate(async () => (await globalThis.through).realtime.lastEventId);
  }

  async end() {
    await this.#page.close();
  }
}

/** Where blocks are played, by name: each a function from code and its environment to what is under way; and what ends it all. */
export async function openStages() {
  const [browser, pages] = await Promise.all([openBrowser(), servePages()]);
  return {
    stages: {
      Node: InNode.play,
      Chromium: (code, environment) => InChromium.play(code, environment, { browser, pages }),
    },
    close: () => Promise.all([browser.close(), pages.close()]),
  };
}
