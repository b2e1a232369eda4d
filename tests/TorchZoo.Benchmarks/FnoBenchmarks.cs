using TorchSharp;
using TorchSharp.Modules;
using TorchZoo.Losses;
using TorchZoo.Models.Operators;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Benchmarks;

/// <summary>A training step of the 2-D FNO: batch 8, 64×64, width 32, modes (16, 16), 4 layers, Adam.</summary>
internal static class FnoBenchmarks
{
    private const int Batch = 8, Size = 64, Width = 32, Rows = 16, Columns = 9, Layers = 4;

    [Benchmark("fno/train-step", "its transforms and matrix products alone (time / bound)", "≤ 1.6")]
    public static Measurement AgainstItsProducts(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var bound = new Products();
        var times = clock.Time(OurStep(), bound.Run);
        return Measurement.Share(times[0], times[1], times[1]);
    }

    [Benchmark("fno/train-step-reference", "the reference implementation's operations in eager libtorch", "≥ 1")]
    public static Measurement AgainstTheReference(Stopwatches clock)
    {
        using var scope = NewDisposeScope();
        var reference = new Reference();
        var times = clock.Time(OurStep(), reference.Step);
        return Measurement.SpeedUp(times[0], times[1]);
    }

    private static Action OurStep()
    {
        var model = new Fno(new FnoConfig { NModes = [Rows, 16], InChannels = 1, OutChannels = 1, HiddenChannels = Width, NLayers = Layers });
        var optimizer = new FusedAdam(model.parameters());
        Tensor x = randn(Batch, 1, Size, Size), y = randn(Batch, 1, Size, Size);
        return () =>
        {
            using var step = NewDisposeScope();
            RelativeL2.Loss(model.call(x), y).backward();
            optimizer.step();
            optimizer.zero_grad();
        };
    }

    /// <summary>
    /// The least that a step has to compute: each linear map forward, and backward to its input and to its weight; the truncated transforms
    /// as products along one axis after the other, forward and backward. Nothing element-wise, nothing copied.
    /// </summary>
    private sealed class Products
    {
        private readonly (Tensor Weight, Tensor Input, Tensor Gradient)[] _pointwise;
        private readonly Tensor _field = randn(Batch * Width * Size, Size), _rowsOfModes = randn(Batch * Width, Size, 2 * Columns);
        private readonly Tensor _toColumns = randn(Size, 2 * Columns), _toRows = randn(2 * Rows, Size), _modes = randn(Batch * Width, 2 * Rows, 2 * Columns);
        private readonly Tensor _columnsBack = randn(2 * Columns, Size), _rowsBack = randn(Size, 2 * Rows), _narrow = randn(Batch * Width * Size, 2 * Columns);
        private readonly Tensor _spectrum = randn([Rows * Columns, Batch, Width], dtype: ScalarType.ComplexFloat32);
        private readonly Tensor _weights = randn([Rows * Columns, Width, Width], dtype: ScalarType.ComplexFloat32);

        public Products() => _pointwise =
        [
            Linear(3, 2 * Width), Linear(2 * Width, Width), Linear(Width, 2 * Width), Linear(2 * Width, 1),
            .. Enumerable.Range(0, Layers).SelectMany(_ => new[] { Linear(Width, Width), Linear(Width, Width / 2), Linear(Width / 2, Width) }),
        ];

        private static (Tensor, Tensor, Tensor) Linear(int from, int to) =>
            (randn(to, from).expand(Batch, to, from), randn(Batch, from, Size * Size), randn(Batch, to, Size * Size));

        public void Run()
        {
            foreach (var (weight, input, gradient) in _pointwise)
            {
                using var views = NewDisposeScope();
                weight.bmm(input).Dispose();
                weight.transpose(1, 2).bmm(gradient).Dispose();
                gradient.bmm(input.transpose(1, 2)).Dispose();
            }
            // Both the analysis and the adjoint of the synthesis go from fields to modes, and the other two back.
            for (var i = 0; i < 2 * Layers; i++)
            {
                using var views = NewDisposeScope();
                _field.mm(_toColumns).Dispose();
                _toRows.expand(Batch * Width, 2 * Rows, Size).bmm(_rowsOfModes).Dispose();
                _rowsBack.expand(Batch * Width, Size, 2 * Rows).bmm(_modes).Dispose();
                _narrow.mm(_columnsBack).Dispose();
            }
            for (var i = 0; i < Layers; i++)
            {
                using var views = NewDisposeScope();
                _spectrum.bmm(_weights).Dispose();
                _spectrum.bmm(_weights.transpose(1, 2)).Dispose();
                _spectrum.transpose(1, 2).bmm(_spectrum).Dispose();
            }
        }
    }

    /// <summary>
    /// What neuraloperator's FNO does, operation by operation: rfftn, fftshift, slice, einsum, zeros, ifftshift, ifftn, irfft; 1×1
    /// convolutions; GELU. With our optimizer, so that the network alone makes the difference.
    /// </summary>
    private sealed class Reference
    {
        private readonly Tensor _x = randn(Batch, 1, Size, Size), _y = randn(Batch, 1, Size, Size);
        private readonly Tensor _grid;
        private readonly List<Parameter> _parameters = [];
        private readonly Func<Tensor, Tensor> _lifting, _projection;
        private readonly Func<Tensor, int, Tensor>[] _blocks;
        private readonly FusedAdam _optimizer;

        public Reference()
        {
            var axis = arange(Size) / (double)Size;
            _grid = stack([axis.unsqueeze(1).expand(Size, Size), axis.expand(Size, Size)]).unsqueeze(0).to(ScalarType.Float32);
            _lifting = Mlp(3, 2 * Width, Width);
            _projection = Mlp(Width, 2 * Width, 1);
            _blocks = [.. Enumerable.Range(0, Layers).Select(_ => Block())];
            _optimizer = new FusedAdam(_parameters);
        }

        public void Step()
        {
            using var scope = NewDisposeScope();
            var v = _lifting(cat([_x, _grid.expand(Batch, 2, Size, Size)], 1));
            for (var i = 0; i < Layers; i++) v = _blocks[i](v, i);
            RelativeL2.Loss(_projection(v), _y).backward();
            _optimizer.step();
            _optimizer.zero_grad();
        }

        private Parameter Weight(params long[] shape)
        {
            var parameter = new Parameter(randn(shape) * 0.1);
            _parameters.Add(parameter);
            return parameter;
        }

        private Func<Tensor, Tensor> Conv(int from, int to, bool bias)
        {
            var (w, b) = (Weight(to, from, 1), bias ? Weight(to) : null);
            return x => nn.functional.conv1d(x.reshape(x.shape[0], from, -1), w, b).reshape(x.shape[0], to, Size, Size);
        }

        private Func<Tensor, Tensor> Mlp(int from, int hidden, int to)
        {
            var (first, second) = (Conv(from, hidden, true), Conv(hidden, to, true));
            return x => second(nn.functional.gelu(first(x)));
        }

        private Func<Tensor, int, Tensor> Block()
        {
            var (spectral, bias, skip, gate, mlp) = (Weight(Width, Width, Rows, Columns, 2), Weight(Width, 1, 1), Conv(Width, Width, false), Weight(1, Width, 1, 1), Mlp(Width, Width / 2, Width));
            return (x, i) =>
            {
                var (skipped, gated) = (skip(x), gate * x);
                var y = Spectral(x, view_as_complex(spectral)) + bias + skipped;
                if (i < Layers - 1) y = nn.functional.gelu(y);
                y = mlp(y) + gated;
                return i < Layers - 1 ? nn.functional.gelu(y) : y;
            };
        }

        private static Tensor Spectral(Tensor x, Tensor weight)
        {
            const int first = Size / 2 - Rows / 2;
            var modes = fft.fftshift(fft.rfft2(x, norm: FFTNormType.Forward), [-2]);
            TensorIndex[] kept = [TensorIndex.Colon, TensorIndex.Colon, TensorIndex.Slice(first, first + Rows), TensorIndex.Slice(0, Columns)];
            var spectrum = zeros([Batch, Width, Size, Size / 2 + 1], dtype: ScalarType.ComplexFloat32);
            spectrum[kept] = einsum("bixy,ioxy->boxy", modes[kept], weight);
            var columns = fft.ifftn(fft.ifftshift(spectrum, [-2]), dim: [-2], norm: FFTNormType.Forward);
            columns[TensorIndex.Ellipsis, 0].imag.mul_(0);
            columns[TensorIndex.Ellipsis, Size / 2].imag.mul_(0);
            return fft.irfft(columns, Size, -1, FFTNormType.Forward);
        }
    }
}
