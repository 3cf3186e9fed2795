// Headless Chromium with a microphone that beeps: tabs, and in a tab one phone or many, in LiveKit's rooms.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { delimiter, isAbsolute, join } from 'node:path';

import { chromium } from 'playwright-core';

import { identity } from './livekit.js';
import { eventually, within } from './wait.js';

/** What it is called on one system and another. */
const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  // The media server and the relay are on this machine.
  '--allow-loopback-in-peer-connection',
];

const STOP = 20_000;
/** A connection takes a second; this is for a busy machine, and for the ways that must fail first. */
const CONNECT = 20_000;
/** Fifty packets a second come from whoever speaks: one second of it. */
const A_SECOND_OF_SPEECH = 50;
/** What may be on its way when somebody falls silent: a tenth of a second. The browser's statistics are half of that old. */
const ON_THE_WAY = 5;

const PAGE = `<!doctype html><meta charset=utf-8><title>Phones</title>
<script src=/livekit-client.js></script><script type=module src=/phone.js></script>`;
const SERVED = {
  '/': ['text/html', () => PAGE],
  '/livekit-client.js': ['text/javascript', () => file('../node_modules/livekit-client/dist/livekit-client.umd.js')],
  '/phone.js': ['text/javascript', () => file('../page/phone.js')],
};
const file = (path) => readFile(new URL(path, import.meta.url));

export class Browser {
  #pages;
  #process;
  #chromium;

  static async start() {
    const browser = new Browser();
    browser.#pages = createServer(async (request, response) => {
      const [type, content] = SERVED[request.url] ?? [];
      if (!type) return response.writeHead(404).end();
      response.setHeader('Content-Type', type);
      response.end(await content());
    });
    browser.#pages.listen(0, '127.0.0.1');
    await once(browser.#pages, 'listening');
    const executablePath = process.env.CHROMIUM_BIN ?? installed();
    // The runner's signals are for `child.js`; at the exit that follows, playwright ends what is left of it.
    const signals = { handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false };
    browser.#process = await chromium.launchServer({ executablePath, args: FLAGS, ...signals });
    browser.#chromium = await chromium.connect(browser.#process.wsEndpoint());
    return browser;
  }

  /** Nothing is shared with the other tabs. */
  async tab() {
    const context = await this.#chromium.newContext();
    const page = await context.newPage();
    page.on('pageerror', (error) => console.error(`in the browser: ${error.message}`));
    await page.goto(`http://127.0.0.1:${this.#pages.address().port}/`);
    await page.waitForFunction(() => window.newPhone);
    return new Tab(page);
  }

  /** A phone in a tab of its own. */
  async phone() {
    return (await this.tab()).phone();
  }

  /** By force: asked kindly, a browser whose tabs crashed may take for ever. */
  async stop() {
    await within(STOP, 'the end of the browser', this.#process.kill());
    this.#pages.closeAllConnections();
    this.#pages.close();
  }
}

class Tab {
  #page;

  constructor(page) {
    this.#page = page;
  }

  async phone() {
    return new Phone(this.#page, await this.#page.evaluate(() => window.newPhone()));
  }

  /** Without a goodbye to anybody. */
  async crash() {
    await this.#page.context().close();
  }
}

class Phone {
  #page;
  #index;

  constructor(page, index) {
    this.#page = page;
    this.#index = index;
  }

  /** Takes the place that a token gives. */
  async connect(url, token, rtcConfig) {
    await this.#on('connect', url, token, rtcConfig);
  }

  speak = () => this.#on('speak');
  leave = () => this.#on('leave');
  state = () => this.#on('state');
  others = () => this.#on('others');
  token = () => this.#on('token');
  mayPublish = () => this.#on('mayPublish');
  paths = () => this.#on('paths');

  /** How many packets came from this person so far. */
  async packets(person) {
    return (await this.#on('heard'))[identity(person)]?.packets ?? 0;
  }

  /** Waits for a second of speech from this person, and insists that it is not silence. */
  async hears(person, deadline = CONNECT) {
    const whom = identity(person);
    const nothing = { packets: 0, energy: 0 };
    const { [whom]: before = nothing } = await this.#on('heard');
    await eventually(deadline, `${person.user.fullName} is heard`, async () => {
      const { [whom]: now = nothing } = await this.#on('heard');
      return now.packets >= before.packets + A_SECOND_OF_SPEECH && now.energy > before.energy;
    });
  }

  /** Insists that, for as long as a second of somebody else's speech takes, nothing comes from this person. */
  async doesNotHear(person, whileHearing) {
    const before = await this.packets(person);
    await this.hears(whileHearing);
    const came = (await this.packets(person)) - before;
    assert.ok(came <= ON_THE_WAY, `${came} packets came from ${person.user.fullName}`);
  }

  /** Waits until the room is over for it: why, in LiveKit's words. */
  async isOut(deadline = CONNECT) {
    return eventually(deadline, 'the room is over for a phone', () => this.#on('ended'));
  }

  /** Waits until LiveKit has told it that it may, or may not, publish. */
  async isAllowed(toPublish, deadline = CONNECT) {
    const what = `a phone ${toPublish ? 'may' : 'may not'} publish`;
    await eventually(deadline, what, async () => (await this.mayPublish()) === toPublish);
  }

  #on(what, ...args) {
    return this.#page.evaluate(([index, what, args]) => window.onPhone(index, what, args), [this.#index, what, args]);
  }
}

function installed() {
  const folders = process.env.PATH.split(delimiter);
  const paths = NAMES.flatMap((name) => (isAbsolute(name) ? [name] : folders.map((folder) => join(folder, name))));
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(found, 'no Chromium is on PATH; CHROMIUM_BIN names another');
  return found;
}
