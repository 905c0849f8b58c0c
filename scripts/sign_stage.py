"""Sign a trained stage with a private key -> signature.sig, to be checked by `model_signing verify key`."""

import argparse
from pathlib import Path

from primum.errors import run_cli
from primum.provenance.signing import sign_stage


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", type=Path, required=True, help="folder of checkpoint.json")
    parser.add_argument("--key", type=Path, required=True, help="elliptic-curve private key, PEM")
    parser.add_argument("--output", type=Path, required=True, help="signature.sig")
    args = parser.parse_args()
    sign_stage(args.stage, args.key, args.output)
    print(args.output)


if __name__ == "__main__":
    run_cli(main)
