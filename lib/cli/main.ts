#!/usr/bin/env node
/** The command line: `npx ds-native-kernels <command>`. Exit code 0 = done, 1 = failed, 2 = wrong usage. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { precisions } from '../compile/precision.js';
import { DsnkError } from '../errors.js';
import { scopes } from '../prune/allocate.js';
import { patterns, scores } from '../prune/layers.js';
import { activationTypes } from '../quantize/affine.js';
import { fewBitsAlgorithms } from '../quantize/algorithms.js';
import { observers } from '../quantize/observers.js';
import { packageVersion } from '../runtime/native.js';
import { benchKernels, benchMachine, benchModel } from './bench.js';
import { build } from './build.js';
import { generate } from './generate.js';
import { info } from './info.js';
import { inspect } from './inspect.js';
import { styled } from './output.js';
import { pruneCommand } from './prune.js';
import { quantizeCommand } from './quantize.js';
import { run } from './run.js';

function positive(text: string): number {
  const n = Number(text);
  if (!Number.isFinite(n) || n <= 0) throw new InvalidArgumentError('must be a positive number.');
  return n;
}

function count(text: string): number {
  const n = positive(text);
  if (!Number.isInteger(n)) throw new InvalidArgumentError('must be an integer.');
  return n;
}

function nonNegative(text: string): number {
  return text.trim() === '0' ? 0 : positive(text);
}

/** A count, or 0 for all. */
function limit(text: string): number {
  return text.trim() === '0' ? 0 : count(text);
}

function integer(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError('must be an integer.');
  return Number(text);
}

const collect = (value: string, before: string[] = []) => [...before, value];

/** A command with the options that several have: one wording each. */
class CliCommand extends Command {
  override createCommand(name?: string): CliCommand {
    return new CliCommand(name);
  }
  json(): this {
    return this.option('--json', 'one JSON document');
  }
  dim(what: string): this {
    return this.option('--dim <name=size>', what, collect);
  }
  threads(): this {
    return this.option('--threads <n>', 'threads', count);
  }
  /** What decides how a model is compiled: `SessionFlags`. */
  session(): this {
    return this.threads()
      .option('--no-winograd', 'no Winograd convolutions')
      .option('--tune [file]', 'measure which kernels are fastest; kept in <model>.tune.json or the file')
      .addOption(new Option('--precision <mode>', 'whether products may round to 16 bits').choices(precisions))
      .provider();
  }
  provider(): this {
    return this.addOption(new Option('--provider <name>', 'where to run; auto: on a GPU where there is one').choices(['cpu', 'cuda', 'auto']));
  }
  accuracy(): this {
    return this.option('--accuracy', 'compare the outputs with those in float32');
  }
}

const program = new CliCommand('ds-native-kernels')
  .description('runs, inspects and times ONNX models with native kernels, and generates text')
  .version(packageVersion())
  .enablePositionalOptions() // options behind a command are that command's
  .exitOverride((error) => {
    // commander's own codes: 0 for --help and --version, 1 for wrong usage
    process.exit(error.exitCode === 0 ? 0 : 2);
  });

program.command('info').description('CPU, ISA, caches, threads, addon; GPU or why not').json().action(info);

program
  .command('build')
  .description('compile the addon on this machine from the packed sources; the path of the result is printed')
  .option('--debug', 'without optimization, for a debugger')
  .action(build);

program
  .command('inspect <model>')
  .description('operators, shapes, unsupported nodes (all at once), chosen kernels and reasons, memory plan')
  .dim('fix a symbolic dimension')
  .session()
  .option('--graph', 'also print the optimized graph')
  .option('--program', 'also disassemble the program')
  .json()
  .action(inspect);

program
  .command('run [model]')
  .description('run a model once and time it; without a model: the bundled classifier on its picture')
  .option('--image <file>', 'picture for the first [N,C,H,W] input (needs the package sharp)')
  .option('--labels <file>', 'JSON array of class names')
  .option('--input <name=source>', '.npy, raw file, random or zeros; inputs not named are random', collect)
  .dim('size of a symbolic dimension of random, zero or raw inputs')
  .option('--top <n>', 'classes to print', count, 1)
  .option('--repeat <n>', 'timed runs', count, 5)
  .session()
  .accuracy()
  .option('--profile', 'time of every kernel call')
  .option('--trace <file>', 'write a Chrome trace of one run')
  .json()
  .action(run);

program
  .command('generate <model>')
  .description('continue a text with a decoder: a folder of Hugging Face, a .gguf file, a .bin file of llama2.c')
  .option('--prompt <text>', 'the text to continue', '')
  .option('--chat', "the prompt is a user's message, written by the model's own template")
  .option('--system <text>', 'with --chat: the message before it')
  .option('--max-tokens <n>', 'tokens to generate at most', count, 128)
  .option('--temperature <t>', '0 takes the most likely token', nonNegative, 0)
  .option('--top-k <k>', 'only the k most likely', limit)
  .option('--top-p <p>', 'only the fewest that have this probability together', positive)
  .option('--min-p <p>', 'only those with this share of the probability of the most likely', nonNegative)
  .option('--repetition-penalty <x>', 'above 1 makes tokens that came before less likely', positive)
  .option('--seed <n>', 'equal seeds give equal texts', integer)
  .option('--stop <text>', 'a string that ends the text', collect)
  .addOption(new Option('--weights <what>', 'what weights become on load').choices(['stored', 'float32', '8', '4']).default('stored'))
  .addOption(new Option('--cache <type>', 'what keys and values are kept in').choices(['float32', 'float16', 'int8']).default('float16'))
  .option('--context <n>', 'tokens that prompt and answer may have together', count)
  .option('--tokenizer <file>', 'tokenizer of a llama2.c model')
  .threads()
  .provider()
  .json()
  .action(generate);

program
  .command('quantize <model>')
  .description('write a model with weights and activations of 8 bits, or weights of few bits, and report what it costs')
  .addOption(new Option('--method <name>', 'what is quantized').choices(['static', 'weight-only', 'dynamic']).default('static'))
  .option('--data <folder>', 'pictures or .npy files, or for several inputs folders with <input>.npy; weight-only and dynamic do without')
  .requiredOption('--out <file>', 'the ONNX file to write')
  .addOption(new Option('--observer <name>', 'how ranges of activations are chosen').choices(observers).default('entropy'))
  .addOption(new Option('--activation <type>', 'type of activations').choices(activationTypes).default('u8'))
  .addOption(
    new Option(
      '--weights <algorithm>',
      'rounding of weights: rtn and mse, with weight-only or less than 8 bits also hqq and gptq, with weight-only expected',
    ).choices(fewBitsAlgorithms),
  )
  .addOption(new Option('--bits <n>', 'bits of weights').choices(['8', '4', '3', '2']))
  .addOption(new Option('--group-size <n>', 'weights that share a scale with weight-only').choices(['16', '32', '64', '128', '256', 'channel']))
  .option('--symmetric', 'levels around zero with weight-only')
  .option('--act-order', 'gptq with weight-only: inputs of more energy are rounded first')
  .option('--activation-aware', 'weight-only with data: channels with large inputs get larger weights before they are rounded (AWQ)')
  .option('--no-per-channel', 'one scale per weight tensor')
  .option('--equalize', 'move factors between layers until channels are as large; with --no-per-channel that is the default')
  .option('--no-equalize', 'leave weights as they are')
  .option('--keep-float <name>', 'a layer that stays in float32; /text/ is a regular expression', collect)
  .option('--sqnr <dB>', 'keep layers in float32 until outputs have this signal to noise', positive)
  .option('--auto', 'leave in float32 what measurement says is slower in integers on this machine')
  .option('--no-timing', 'do not time the two models; without --data there is nothing to time them on')
  .option('--picture <file>', 'an SVG of what every layer loses')
  .option('--limit <n>', 'feeds to read', count, 256)
  .dim('size of a symbolic dimension of pictures')
  .option('--preprocess <json>', 'resizeRatio, scale, mean, std of pictures where they are not those of ImageNet or of the model')
  .threads()
  .json()
  .action(quantizeCommand);

program
  .command('prune <model>')
  .description('write a model with zeros among its weights, or without some of its channels or heads, and report what that costs')
  .option('--data <folder>', 'pictures or .npy files, or for several inputs folders with <input>.npy; magnitude does without')
  .requiredOption('--out <file>', 'the ONNX file to write')
  .addOption(new Option('--pattern <name>', 'where zeros are, or what goes').choices(patterns).default('2:4'))
  .option('--ratio <share>', 'share of zeros, of multiplications with channels, of heads', positive)
  .addOption(new Option('--score <name>', 'how weights are judged: sparsegpt with --data, magnitude without').choices(scores))
  .addOption(new Option('--scope <name>', 'channels and heads go where that costs least, or everywhere the same share').choices(scopes))
  .option('--multiple <n>', 'what is left of the channels of a layer is a multiple of this', count)
  .option('--permute', '2:4: first put channels into the order in which two of four are worth most')
  .addOption(new Option('--vector <n>', 'output channels that lose the same weights, with 2:4').choices(['16', '32']))
  .option('--no-repair', 'leave weights behind channels and heads that went as they are')
  .option('--keep <name>', 'a layer whose weights stay; /text/ is a regular expression', collect)
  .option('--no-keep-first', 'prune the first layer too')
  .option('--no-timing', 'do not time the two models; without --data there is nothing to time them on')
  .option('--limit <n>', 'feeds to read', count, 1000)
  .dim('size of a symbolic dimension of pictures')
  .option('--preprocess <json>', 'resizeRatio, scale, mean, std of pictures where they are not those of ImageNet or of the model')
  .threads()
  .json()
  .action(pruneCommand);

const bench = program
  .command('bench')
  .description('measure this machine: peaks, reads, typical kernels, the bundled model; or what a command below names')
  .option('--seconds <s>', 'time to spend on each measurement', positive, 0.3)
  .json()
  .enablePositionalOptions()
  .action(benchMachine);
bench
  .command('model <model>')
  .description('latency of a model on random input')
  .dim('size of a symbolic dimension')
  .session()
  .accuracy()
  .option('--seconds <s>', 'time to spend', positive, 3)
  .json()
  .action(benchModel);
bench
  .command('kernel')
  .description('single kernels beside the peak of the machine')
  .option('--filter <text>', 'only calls whose name has this text')
  .option('--seconds <s>', 'time to spend on each call', positive, 0.3)
  .json()
  .action(benchKernels);

// Whoever reads may have seen enough (`| head`): that is no failure. A full disk is.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit();
  console.error(styled('red', error.message, process.stderr));
  process.exit(1);
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof DsnkError) console.error(styled('red', `${error.code}: ${error.message}`, process.stderr));
  else if (error instanceof Error && 'syscall' in error) console.error(styled('red', error.message, process.stderr));
  else console.error(styled('red', error instanceof Error ? (error.stack ?? error.message) : String(error), process.stderr));
  process.exitCode = 1;
}
