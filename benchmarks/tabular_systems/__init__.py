"""The systems that `benchmarks/tabular.py` compares: each is a program of its own, in an environment of its own.

`python -m benchmarks.tabular_systems.NAME --train train.parquet --test test.parquet --target T --problem binary
--budget 60 --seed 0 --out result.json --model FOLDER` trains, predicts, times itself and writes its figures.
"""
