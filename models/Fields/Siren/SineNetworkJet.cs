using TorchSharp;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Models.Fields;

/// <summary>
/// A sine network's values, gradients and second-order derivatives in one forward pass. Everything about a point is stacked: its value, d first
/// derivatives, m second-order ones, (1 + d + m, points, width); so each linear map is one matrix product, and between them stands a
/// <see cref="SineJet"/>.
/// </summary>
/// <remarks>Where there is a kernel, the points go through the whole network in chunks that stay in the cache, forward and backward. For gradients
/// only the pre-activations are kept. Higher derivatives go through torch operations.</remarks>
internal sealed class SineNetworkJet
{
    // About half of a second-level cache for each of the three tensors in use.
    private const long ChunkBytes = 512 << 10;

    private readonly double[] _omegas; // 0: linear
    private readonly double[,] _second;
    private readonly int _d, _blocks;

    public SineNetworkJet(IReadOnlyList<FieldLayer> layers, SecondOrder second)
    {
        _d = (int)layers[0].InFeatures;
        _second = second.Matrix(_d);
        _blocks = 1 + _d + _second.GetLength(0);
        _omegas = [.. layers.Select(l => l is SineLayer sine ? sine.Omega0 : 0)];
    }

    /// <summary>(points, d) → (1 + d + m, points, c)</summary>
    /// <param name="coords">(points, d)</param>
    /// <param name="parameters">Weight and bias of each layer in turn.</param>
    public Tensor Compute(Tensor coords, Tensor[] parameters)
    {
        if (!SineJet.HasKernel(coords) || parameters.Any(p => p.dtype != coords.dtype || p.device_type != coords.device_type))
            return Eager(coords, parameters);
        using var scope = NewDisposeScope();
        if (is_grad_enabled() && (coords.requires_grad || parameters.Any(p => p.requires_grad)))
            return Function.apply([this, coords, .. parameters]).MoveToOuterDisposeScope();
        using var off = no_grad();
        return Forward(coords, parameters, null).MoveToOuterDisposeScope();
    }

    /// <summary>The same in torch operations.</summary>
    public Tensor Eager(Tensor coords, Tensor[] parameters)
    {
        using var scope = NewDisposeScope();
        var (n, m) = (coords.shape[0], _second.GetLength(0));
        var a = cat([coords.unsqueeze(0), eye(_d, dtype: coords.dtype, device: coords.device).unsqueeze(1).expand(_d, n, _d),
            zeros([m, n, _d], coords.dtype, coords.device)], 0);
        for (var l = 0; l < _omegas.Length; l++)
        {
            var (weight, bias) = (parameters[2 * l], parameters[2 * l + 1]);
            var z = matmul(a, weight.t());
            a = _omegas[l] > 0 ? SineJet.Eager(z, bias, _second, _omegas[l])
                : cat([z.narrow(0, 0, 1) + bias, z.narrow(0, 1, _blocks - 1)], 0);
        }
        return a.MoveToOuterDisposeScope();
    }

    // Points a chunk.
    private long Chunk(Tensor[] parameters)
    {
        var width = parameters.Where((_, i) => i % 2 == 0).Max(w => w.shape[0]);
        var size = parameters[0].dtype == ScalarType.Float32 ? 4 : 8;
        return Math.Max(16, ChunkBytes / (size * width * _blocks));
    }

    // The pre-activations of the sine layers go to `kept`, chunk by chunk, if it isn't null.
    private Tensor Forward(Tensor coords, Tensor[] parameters, List<Tensor>? kept)
    {
        using var scope = NewDisposeScope();
        var work = new Workspace(this, coords, parameters);
        var output = empty([_blocks, coords.shape[0], work.Outputs], coords.dtype);
        for (var l = 0; l < _omegas.Length && kept is not null; l++)
            if (_omegas[l] > 0) kept.Add(empty([_blocks * coords.shape[0], parameters[2 * l].shape[0]], coords.dtype).MoveToOuterDisposeScope());
        foreach (var (start, count) in work.Chunks())
        {
            using var chunk = NewDisposeScope();
            var a = work.Seed(start, count);
            for (var l = 0; l < _omegas.Length; l++)
            {
                var (weight, bias) = (parameters[2 * l], parameters[2 * l + 1]);
                var z = kept is not null && _omegas[l] > 0 ? kept[l].narrow(0, _blocks * start, _blocks * count)
                    : work.Scratch(l % 2, count, weight.shape[0]);
                z.addmm_(a, weight.t(), 0, 1);
                var stacked = z.view(_blocks, count, weight.shape[0]);
                if (_omegas[l] > 0)
                {
                    a = kept is null ? z : work.Scratch(l % 2, count, weight.shape[0]);
                    SineJet.Forward(stacked, bias, a.view(stacked.shape), _second, _omegas[l]);
                }
                else
                {
                    stacked[0].add_(bias);
                    a = z;
                }
            }
            output.narrow(1, start, count).copy_(a.view(_blocks, count, work.Outputs));
        }
        return output.MoveToOuterDisposeScope();
    }

    // Gradients by coordinates and parameters, in their order.
    private List<Tensor> Backward(Tensor coords, Tensor[] parameters, IReadOnlyList<Tensor> kept, Tensor byOutput)
    {
        using var scope = NewDisposeScope();
        var work = new Workspace(this, coords, parameters);
        var byCoords = empty_like(coords);
        Tensor[] byParameters = [.. parameters.Select(p => zeros_like(p))];
        foreach (var (start, count) in work.Chunks())
        {
            using var chunk = NewDisposeScope();
            var last = _omegas.Length - 1;
            var gradient = work.Scratch(last % 2, count, work.Outputs);
            gradient.view(_blocks, count, work.Outputs).copy_(byOutput.narrow(1, start, count));
            if (_omegas[last] > 0) Sine(last, gradient);
            for (var l = last; l > 0; l--)
            {
                // `gradient` is by layer l's linear map. Going through the sine before it also gives what the map was applied to.
                var before = work.Scratch((l + 1) % 2, count, parameters[2 * l].shape[1]);
                before.addmm_(gradient, parameters[2 * l], 0, 1);
                Accumulate(l, gradient, Sine(l - 1, before));
                gradient = before;
            }
            Accumulate(0, gradient, work.Seed(start, count));
            byCoords.narrow(0, start, count).copy_(gradient.narrow(0, 0, count).mm(parameters[0]));

            Tensor Sine(int l, Tensor g)
            {
                var width = parameters[2 * l].shape[0];
                var y = work.Scratch(2, count, width);
                SineJet.Backward(kept[l].narrow(0, _blocks * start, _blocks * count).view(_blocks, count, width), parameters[2 * l + 1],
                    g.view(_blocks, count, width), y.view(_blocks, count, width), _second, _omegas[l]);
                return y;
            }

            void Accumulate(int l, Tensor g, Tensor input)
            {
                byParameters[2 * l].addmm_(g.t(), input, 1, 1);
                byParameters[2 * l + 1].add_(g.narrow(0, 0, count).sum([0]));
            }
        }
        return [byCoords.MoveToOuterDisposeScope(), .. byParameters.Select(g => g.MoveToOuterDisposeScope())];
    }

    /// <summary>Tensors that every chunk uses again.</summary>
    private sealed class Workspace
    {
        private readonly SineNetworkJet _jet;
        private readonly Tensor _coords, _seed;
        private readonly Tensor[] _scratch;
        private readonly long _chunk;

        public Workspace(SineNetworkJet jet, Tensor coords, Tensor[] parameters)
        {
            (_jet, _coords) = (jet, coords);
            _chunk = Math.Max(1, Math.Min(jet.Chunk(parameters), coords.shape[0]));
            Outputs = parameters[^2].shape[0];
            var width = parameters.Where((_, i) => i % 2 == 0).Max(w => Math.Max(w.shape[0], w.shape[1]));
            _scratch = [.. Enumerable.Range(0, 3).Select(_ => empty([jet._blocks * _chunk * width], coords.dtype))];
            _seed = empty([jet._blocks * _chunk * jet._d], coords.dtype);
        }

        public long Outputs { get; }

        public IEnumerable<(long Start, long Count)> Chunks()
        {
            for (long start = 0; start < _coords.shape[0]; start += _chunk)
                yield return (start, Math.Min(_chunk, _coords.shape[0] - start));
        }

        /// <summary>The coordinates themselves, with ∂x_i/∂x_j = δ_ij and no second derivatives: (blocks · count, d).</summary>
        public Tensor Seed(long start, long count)
        {
            var d = _jet._d;
            var seed = _seed.narrow(0, 0, _jet._blocks * count * d).view(_jet._blocks, count, d);
            seed.zero_();
            seed[0].copy_(_coords.narrow(0, start, count));
            for (var i = 0; i < d; i++) seed[1 + i].select(1, i).fill_(1);
            return seed.view(_jet._blocks * count, d);
        }

        public Tensor Scratch(int which, long count, long width) =>
            _scratch[which].narrow(0, 0, _jet._blocks * count * width).view(_jet._blocks * count, width);
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(SineNetworkJet);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var jet = (SineNetworkJet)vars[0];
            Tensor coords = (Tensor)vars[1];
            Tensor[] parameters = [.. vars.Skip(2).Cast<Tensor>()];
            var kept = new List<Tensor>();
            var output = jet.Forward(coords, parameters, kept);
            ctx.save_for_backward([coords, .. parameters, .. kept]);
            ctx.save_data(nameof(SineNetworkJet), jet);
            return output;
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor byOutput)
        {
            var jet = (SineNetworkJet)ctx.get_data(nameof(SineNetworkJet));
            using var scope = NewDisposeScope();
            var saved = ctx.get_saved_variables();
            Tensor[] inputs = [.. saved.Take(1 + 2 * jet._omegas.Length)];
            var gradients = is_grad_enabled() ? Recorded() : jet.Backward(inputs[0], inputs[1..], saved[inputs.Length..], byOutput);
            List<Tensor> result = [null!, .. gradients.Select(g => g?.MoveToOuterDisposeScope()!)];
            // Nothing else in managed code refers to them until libtorch has taken them over.
            ctx.save_data("gradients", result);
            return result;

            // Somebody wants derivatives of these derivatives.
            List<Tensor> Recorded()
            {
                var wanted = inputs.Where(i => i.requires_grad).ToArray();
                var found = autograd.grad([jet.Eager(inputs[0], inputs[1..])], wanted, [byOutput], retain_graph: true, create_graph: true, allow_unused: true);
                var next = 0;
                return [.. inputs.Select(i => i.requires_grad ? found[next++] : null!)];
            }
        }
    }
}
