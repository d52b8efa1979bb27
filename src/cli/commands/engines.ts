// `flow-denoise engines`: installs engines that do not come with the package, with src/setup.

import { Argument, type Command } from 'commander';
import { FlowDenoiseError } from '../../core/errors.js';
import { notBoth } from '../../denoiser/option-schema.js';
import { installTensorflow } from '../../setup/install-tensorflow.js';
import { type CommandContext, say } from '../display/progress.js';
import { errorLine } from '../display/report.js';

interface InstallArguments {
  readonly cuda?: boolean;
  readonly libtensorflow?: string;
  readonly force?: boolean;
}

const INSTALL_HELP = `
Installs into the user's cache folder, or into FLOW_DENOISE_CACHE. It needs python3 with venv, a C++ compiler, make and
npm. An existing installation is verified. After a failure, run it again: finished steps are kept.

Exit codes: 0 installed and works, 1 failed, 2 wrong usage, 3 not available for this platform, 130 interrupted.`;

/** Gives the command `engines` its subcommands. @param end  called with the exit code */
export function describeEngines(
  command: Command,
  context: Pick<CommandContext, 'signal'>,
  end: (code: number) => void,
): void {
  command.description('install an engine');
  command
    .command('install')
    .description('install an engine that does not come with the package')
    .addArgument(new Argument('<engine>', 'which').choices(['tensorflow']))
    .option('--cuda', 'with CUDA 12, for an NVIDIA GPU (Linux on x64)')
    .option('--libtensorflow <folder>', 'use an existing libtensorflow: a folder with lib and include')
    .option('--force', 'make everything again')
    .addHelpText('after', INSTALL_HELP)
    .action(async (_engine: string, args: InstallArguments) => end(await install(args, context)));
}

/** @throws  FlowDenoiseError BAD_OPTION; the signal's reason when aborted */
async function install(args: InstallArguments, { signal }: Pick<CommandContext, 'signal'>): Promise<number> {
  const { cuda = false, libtensorflow, force = false } = args;
  if (cuda && libtensorflow !== undefined) {
    throw notBoth('--cuda', '--libtensorflow', 'the folder decides whether it has CUDA');
  }
  try {
    await installTensorflow({ cuda, libtensorflow, force, say, signal });
    return 0;
  } catch (error) {
    const code = error instanceof FlowDenoiseError ? exitCodes[error.code] : undefined;
    if (code === undefined) throw error;
    say(errorLine(error));
    return code;
  }
}

const exitCodes: { readonly [code in FlowDenoiseError['code']]?: number } = {
  INSTALL_FAILED: 1,
  ENGINE_UNAVAILABLE: 3,
};
