#!/usr/bin/env node
// The official Solidity compiler, as the npm package brings it, behind solc's own command line.
//
// ape (through py-solc-x) and forge take this file for an installed native compiler: they ask for --version
// and for --standard-json. Whatever else solc can do is refused. Answers are kept under .cache/solc-output,
// by the hash of all that can change them, because both tools compile the same sources over and over.

"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const path = require("node:path");

const ROOT = path.resolve(__dirname, "..");
const CACHE = path.join(ROOT, ".cache", "solc-output");
const KEPT = 16; // answers, of up to ten megabytes each
const NO_METADATA = { appendCBOR: false, bytecodeHash: "none" };
const VERSION = require("solc/package.json").version;

function main(args) {
  const options = parse(args);
  if (options.version) {
    // The platform's name is native: forge takes no answer that says emscripten. The bytecode is the same.
    const full = require("solc").version().replace(/\.Emscripten.*$/, "");
    return `solc, the solidity compiler commandline interface\nVersion: ${full}.Linux.g++\n`;
  }
  const input = withoutMetadata(fs.readFileSync(0, "utf8"));
  return cached(input, options) ?? compile(input, options);
}

function parse(args) {
  const options = { version: false, standardJson: false, basePath: process.cwd(), includePaths: [] };
  const rest = args.flatMap((arg) => (/^--[\w-]+=/.test(arg) ? arg.split(/=(.*)/s, 2) : [arg]));
  while (rest.length > 0) {
    const arg = rest.shift();
    if (arg === "--version") options.version = true;
    else if (arg === "--standard-json") options.standardJson = true;
    else if (arg === "--base-path") options.basePath = path.resolve(rest.shift());
    else if (arg === "--include-path") options.includePaths.push(path.resolve(rest.shift()));
    else if (arg === "--allow-paths") rest.shift(); // Only what base and include paths hold is read, whatever it says.
    else if (arg !== "-") throw new Error(`unknown option ${arg}: only --version and --standard-json are known`);
  }
  if (!options.version && !options.standardJson) throw new Error("say --version or --standard-json");
  return options;
}

// The sources that the compiler asks for beside those that the input holds: below the base path or an include
// path, and nowhere else. `asked` collects what was answered, for the cache to compare.
function reader(options, asked) {
  const folders = [options.basePath, ...options.includePaths];
  return (name) => {
    const inside = (folder) => path.resolve(folder, name).startsWith(folder + path.sep);
    const folder = folders.find((each) => inside(each) && fs.existsSync(path.resolve(each, name)));
    const contents = folder === undefined ? null : fs.readFileSync(path.resolve(folder, name), "utf8");
    asked.push([name, contents === null ? null : sha256(contents)]);
    return contents === null ? { error: `${name} is not below ${folders.join(" or ")}` } : { contents };
  };
}

function compile(input, options) {
  const asked = [];
  const output = require("solc").compile(input, { import: reader(options, asked) });
  // A failed compilation is not kept: its cause may lie outside, and nobody repeats it for its speed.
  const failed = (JSON.parse(output).errors ?? []).some((error) => error.severity === "error");
  if (!failed) store(cacheFile(input), { asked, output });
  return output;
}

// ape-solidity has no setting for the metadata that the compiler appends to the code, and that metadata holds
// the paths and the remappings of the sources, which forge and ape write differently. Without it, the same
// source is the same code whoever compiles it.
function withoutMetadata(input) {
  const document = JSON.parse(input);
  document.settings = { ...document.settings, metadata: { ...document.settings?.metadata, ...NO_METADATA } };
  return JSON.stringify(document);
}

function sha256(text) {
  return crypto.createHash("sha256").update(text).digest("hex");
}

function cacheFile(input) {
  return path.join(CACHE, `${sha256(JSON.stringify([VERSION, input]))}.json`);
}

function cached(input, options) {
  let entry;
  try {
    entry = JSON.parse(fs.readFileSync(cacheFile(input), "utf8"));
  } catch {
    return null; // Not there, or not whole: compile.
  }
  const now = [];
  const read = reader(options, now);
  entry.asked.forEach(([name]) => read(name));
  return JSON.stringify(now) === JSON.stringify(entry.asked) ? entry.output : null;
}

function store(file, entry) {
  fs.mkdirSync(CACHE, { recursive: true });
  // Written beside and renamed: two compilers at once never read half a file.
  const temporary = `${file}.${process.pid}`;
  fs.writeFileSync(temporary, JSON.stringify(entry));
  fs.renameSync(temporary, file);
  prune();
}

function prune() {
  const files = fs.readdirSync(CACHE).map((name) => path.join(CACHE, name));
  const age = (file) => Date.now() - (fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  const oldest = files.map((file) => [age(file), file]).sort((a, b) => a[0] - b[0]).slice(KEPT);
  oldest.forEach(([, file]) => fs.rmSync(file, { force: true }));
}

try {
  process.stdout.write(main(process.argv.slice(2)));
} catch (error) {
  process.stderr.write(`solc: ${error.message}\n`);
  process.exitCode = 1;
}
