// Drives the page in Chromium, and prints what it saw as one JSON document.
//
//     node page_check.mjs URL CHROMIUM PROFILE SCREENSHOT ACCOUNT STRANGER
//
// Before some looks the test changes something: "want NAME" is printed, and a line on standard input answers.

import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [url, executablePath, profile, screenshot, account, stranger] = process.argv.slice(2);
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const seen = { console: [], foreign: [] };

async function want(name) {
  console.log(`want ${name}`);
  await answers.next();
}

const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
  viewport: { width: 1440, height: 1000 },
  colorScheme: "light",
});
context.setDefaultTimeout(30_000);
const page = context.pages()[0] ?? (await context.newPage());
let expected = false; // a refused or missing answer, which the browser itself reports
page.on("console", (message) => {
  if (["error", "warning"].includes(message.type()) && !expected) seen.console.push(message.text());
});
page.on("pageerror", (error) => seen.console.push(String(error)));
page.on("request", (request) => {
  if (!request.url().startsWith(url)) seen.foreign.push(request.url());
});

const text = (selector) => page.locator(selector).first().innerText();
const texts = (selector) => page.locator(selector).allInnerTexts();
const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
const drawn = () => page.evaluate(() => {
  const canvas = document.querySelector("#chart canvas");
  if (!canvas) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((count, value, index) => count + (index % 4 === 3 && value > 0 ? 1 : 0), 0);
});

async function widths() {
  const found = {};
  for (const width of [360, 768, 1440]) {
    await page.setViewportSize({ width, height: 1000 });
    await page.waitForTimeout(100);
    found[width] = await fits();
  }
  return found;
}

async function look() {
  await page.goto(url);
  await page.waitForSelector("#epochs tbody tr");
  await page.waitForSelector("#chart canvas");
  await page.waitForSelector("#reserve .verdict");
  await page.waitForSelector(".live[data-stands=true]");
  seen.title = await page.title();
  seen.standing = Object.fromEntries(await page.locator("#standing .fact").evaluateAll((facts) =>
    facts.map((fact) => [fact.children[0].textContent, fact.children[1].textContent])));
  const before = await text(".countdown");
  await page.waitForFunction((was) => document.querySelector(".countdown").textContent !== was, before);
  seen.countdown = [before, await text(".countdown")];
  seen.sides = await texts(".side strong");
  seen.drawn = await drawn();
  seen.epochs = await page.locator("#epochs tbody tr").evaluateAll((rows) =>
    rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
  seen.reserve = await text("#reserve");
  seen.trades = await texts("#trades li");
  seen.banners = await texts(".banner");
  seen.fits = await widths();
  await page.screenshot({ path: screenshot, fullPage: true });
}

async function search(address) {
  await page.fill("#address", address);
  await page.press("#address", "Enter");
}

async function lookUp() {
  await search("0x12");
  seen.malformed = await text("#address-problem");
  await search(account);
  await page.waitForSelector("#account tbody tr");
  seen.hash = new URL(page.url()).hash;
  seen.positions = await page.locator("#account tbody tr").evaluateAll((rows) =>
    rows.map((row) => [...row.cells].map((cell) => cell.querySelector("data")?.value ?? cell.textContent)));
  seen.totals = Object.fromEntries(await page.locator("#account .tiles .fact").evaluateAll((facts) =>
    facts.map((fact) => [fact.children[0].textContent, fact.querySelector("data").value])));
  await page.waitForFunction(() => document.querySelector("#trades-title").textContent === "Trades of this account");
  seen.ownTrades = await page.locator("#trades li a").evaluateAll((links) => links.map((link) => link.title));
  seen.accountFits = await widths();
  await search(stranger);
  await page.waitForSelector("#account .empty");
  seen.stranger = await text("#account .empty");
  await page.goBack();
  await page.waitForSelector("#account tbody tr");
  expected = true;
  await page.goto(`${url}/#/account/${account.replace(/[A-F]/, (digit) => digit.toLowerCase())}`);
  await page.waitForSelector("#account .empty");
  seen.checksum = await text("#account .empty");
  expected = false;
}

async function keys() {
  await page.goto(`${url}/#/NOPE`);
  await page.waitForSelector(".banner.problem");
  seen.noMarket = await text(".banner.problem");
  await page.goto(`${url}/#/BTC`);
  await page.reload();
  await page.waitForSelector("#epochs tbody tr");
  seen.focus = [];
  for (let step = 0; step < 5; step += 1) {
    await page.keyboard.press("Tab");
    seen.focus.push(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim()));
  }
  seen.unnamed = await page.evaluate(() => [...document.querySelectorAll("button, a, input, section, nav")]
    .filter((one) => !(one.textContent.trim() || one.ariaLabel || one.getAttribute("aria-labelledby") || one.labels?.length))
    .map((one) => one.outerHTML));
}

async function scheme(name) {
  await page.emulateMedia({ colorScheme: name });
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

await look();
await lookUp();
await keys();
seen.schemes = [await scheme("light"), await scheme("dark")];
const block = await text("#standing .fact:nth-child(2) dd");
await want("block");
await page.waitForFunction((was) => document.querySelector("#standing .fact:nth-child(2) dd").textContent !== was, block);
seen.blocks = [block, await text("#standing .fact:nth-child(2) dd")];
expected = true;
await want("stale");
await page.waitForSelector(".banner.stale li");
seen.stale = [await text(".banner.stale"), (await texts("#standing dd")).at(-1)];
await want("gone");
await page.waitForSelector(".banner.gone");
seen.gone = [await text(".banner.gone"), (await texts("#standing dd")).at(-1), await text(".live")];
await want("back");
await page.waitForSelector(".banner.gone", { state: "detached" });
await page.waitForSelector(".live[data-stands=true]");
seen.back = await texts(".banner.gone");
await context.close();
console.log(JSON.stringify(seen));
process.exit(0);
