using TorchSharp;
using TorchZoo.Kernels;
using static TorchSharp.torch;

namespace TorchZoo.Training;

/// <summary>
/// Gradient checkpointing (Chen et al. 2016, arXiv 1604.06174): of a part of a network only the inputs are kept, and in the backward pass the
/// part is computed again. Memory falls by what lies in between; time rises by one forward pass of the part.
/// </summary>
/// <remarks>
/// The second pass draws the same random numbers as the first, so dropout is the same, and casts as the first did
/// (<see cref="Autocast"/>). What a part changes beside its outputs is changed twice: the running statistics of batch normalisation move two
/// steps. Parts nest. Gradients of gradients are right too. What the second pass throws comes out of
/// <see cref="BackwardPass.ThrowIfFailed"/>. Parameters are found in modules; a function must name those that it uses.
/// </remarks>
/// <example><code>
/// foreach (var block in blocks) x = Checkpointing.Run(block, x);
/// </code></example>
public static class Checkpointing
{
    /// <summary>A module's output for one input.</summary>
    /// <param name="module">A part of a network: the same inputs give the same outputs.</param>
    /// <param name="input">Its input.</param>
    /// <param name="preservesRandomness">Whether the second pass draws the same random numbers; not needed without dropout and the
    /// like.</param>
    public static Tensor Run(nn.Module<Tensor, Tensor> module, Tensor input, bool preservesRandomness = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(input);
        return Run(x => [module.call(x[0])], [input], module.parameters(), preservesRandomness)[0];
    }

    /// <summary>A module's output for two inputs.</summary>
    /// <param name="module">A part of a network: the same inputs give the same outputs.</param>
    /// <param name="first">Its first input.</param>
    /// <param name="second">Its second input.</param>
    /// <param name="preservesRandomness">Whether the second pass draws the same random numbers.</param>
    public static Tensor Run(nn.Module<Tensor, Tensor, Tensor> module, Tensor first, Tensor second, bool preservesRandomness = true)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return Run(x => [module.call(x[0], x[1])], [first, second], module.parameters(), preservesRandomness)[0];
    }

    /// <summary>Any function's outputs.</summary>
    /// <param name="function">From inputs to outputs; the same inputs give the same outputs.</param>
    /// <param name="inputs">Its inputs; floating-point ones get gradients if they want them.</param>
    /// <param name="parameters">All else that gradients are wanted for.</param>
    /// <param name="preservesRandomness">Whether the second pass draws the same random numbers.</param>
    public static IReadOnlyList<Tensor> Run(Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, IReadOnlyList<Tensor> inputs,
        IEnumerable<Tensor> parameters, bool preservesRandomness = true)
    {
        ArgumentNullException.ThrowIfNull(function);
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(parameters);
        Tensor[] others = [.. parameters.Where(p => p.requires_grad)];
        if (!is_grad_enabled() || !inputs.Concat(others).Any(t => t.requires_grad)) return function(inputs);
        var part = new Part(function, inputs.Count, others, preservesRandomness);
        using var scope = NewDisposeScope();
        return [.. Function.apply([part, .. inputs, .. others]).Select(t => t.MoveToOuterDisposeScope())];
    }

    /// <summary>Modules one after the other, in segments of about as many; of each segment but the last only the input is kept.</summary>
    /// <param name="modules">The modules.</param>
    /// <param name="segments">How many segments; memory is least at about the root of the number of modules.</param>
    /// <param name="input">Input of the first module.</param>
    /// <param name="preservesRandomness">Whether the second pass draws the same random numbers.</param>
    /// <exception cref="ArgumentException">There are no modules, or not that many.</exception>
    public static Tensor Sequential(IReadOnlyList<nn.Module<Tensor, Tensor>> modules, int segments, Tensor input, bool preservesRandomness = true)
    {
        ArgumentNullException.ThrowIfNull(modules);
        ArgumentNullException.ThrowIfNull(input);
        if (segments < 1 || segments > modules.Count)
            throw new ArgumentException($"Expected 1 to {modules.Count} segments for {modules.Count} modules, got {segments}", nameof(segments));
        using var scope = NewDisposeScope();
        var x = input;
        for (var s = 0; s < segments; s++)
        {
            nn.Module<Tensor, Tensor>[] segment =
                [.. modules.Take((s * modules.Count / segments)..((s + 1) * modules.Count / segments))];
            // The backward pass begins with the last: it would be computed twice at once.
            x = s == segments - 1 ? Chain(segment, x)
                : Run(t => [Chain(segment, t[0])], [x], segment.SelectMany(m => m.parameters()), preservesRandomness)[0];
        }
        return x.MoveToOuterDisposeScope();
    }

    private static Tensor Chain(nn.Module<Tensor, Tensor>[] modules, Tensor input)
    {
        using var scope = NewDisposeScope();
        // An alias: the caller's own tensor must not move.
        var x = modules.Aggregate(input.alias(), (t, module) => module.call(t));
        return x.MoveToOuterDisposeScope();
    }

    /// <summary>A part of a network, and what it takes to compute it as before.</summary>
    private sealed class Part(Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> function, int inputs, Tensor[] parameters, bool preservesRandomness)
    {
        // In managed memory: nobody says when a part isn't needed any more.
        private byte[]? _random;
        private long _deviceSeed;
        private (Device Device, ScalarType? Type) _cast;

        public int Inputs => inputs;

        public Tensor[] Parameters => parameters;

        public IReadOnlyList<Tensor> First(IReadOnlyList<Tensor> x)
        {
            var device = x.Concat(parameters).First().device;
            _cast = (device, Autocast.TypeOn(device));
            if (preservesRandomness)
            {
                // A GPU's generator tells nobody its state, so it is seeded, with a number of the CPU's.
                if (device.type == DeviceType.CUDA)
                {
                    using var seed = randint(long.MaxValue, [1], ScalarType.Int64);
                    cuda.manual_seed(_deviceSeed = seed.item<long>());
                }
                using var state = get_rng_state();
                _random = state.data<byte>().ToArray();
            }
            return function(x);
        }

        public IReadOnlyList<Tensor> Again(IReadOnlyList<Tensor> x)
        {
            using var cast = Autocast.Set(_cast.Device, _cast.Type);
            if (_random is null) return function(x);
            using var now = get_rng_state();
            using var then = tensor(_random, ScalarType.Byte);
            set_rng_state(then);
            if (_cast.Device.type == DeviceType.CUDA) cuda.manual_seed(_deviceSeed);
            try { return function(x); }
            finally
            {
                set_rng_state(now);
                if (_cast.Device.type == DeviceType.CUDA) cuda.manual_seed(unchecked((long)Seed.Derive((ulong)_deviceSeed, 1)));
            }
        }
    }

    private sealed class Function : autograd.MultiTensorFunction<Function>
    {
        public override string Name => nameof(Checkpointing);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var part = (Part)vars[0];
            Tensor[] inputs = [.. vars.Skip(1).Take(part.Inputs).Cast<Tensor>()];
            // Else TorchSharp keeps a tensor of each output's size for gradients that don't come.
            ctx.set_materialize_grads(false);
            ctx.save_for_backward([.. inputs]);
            ctx.save_data(nameof(Part), part);
            return [.. part.First(inputs)];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> byOutputs)
        {
            var part = (Part)ctx.get_data(nameof(Part));
            List<Tensor> result;
            try { result = Gradients(part, ctx, byOutputs); }
            catch (Exception e)
            {
                BackwardPass.Fail(e);
                result = [null!, .. Enumerable.Repeat<Tensor>(null!, part.Inputs),
                    .. part.Parameters.Select(p => full_like(p, double.NaN).DetachFromDisposeScope())];
            }
            // With many parts these would be as much memory as the parts save.
            byOutputs.ForEach(g => g.Dispose());
            BackwardPass.HandOver([.. result]);
            return result;
        }

        private static List<Tensor> Gradients(Part part, autograd.AutogradContext ctx, List<Tensor> byOutputs)
        {
            using var scope = NewDisposeScope();
            // For gradients of gradients the second pass hangs on what came before; else it stands for itself.
            var recorded = is_grad_enabled();
            var gate = new Gate.State();
            Tensor[] inputs = [.. ctx.get_saved_variables().Select(x =>
                !x.requires_grad ? x : recorded ? Gate.apply([gate, x])[0] : x.detach().requires_grad_())];
            using var on = enable_grad();
            var outputs = part.Again(inputs);
            var used = outputs.Zip(byOutputs).Where(o => o.First.requires_grad && !o.Second.IsInvalid).ToList();
            Tensor[] wanted = [.. inputs.Where(x => x.requires_grad), .. part.Parameters];
            var found = autograd.grad([.. used.Select(u => u.First)], wanted, [.. used.Select(u => u.Second)],
                retain_graph: recorded, create_graph: recorded, allow_unused: true);
            gate.IsOpen = true;
            var next = 0;
            List<Tensor> result = [null!, .. inputs.Select(x => x.requires_grad ? found[next++] : null!)];
            result.AddRange(found.Skip(next));
            return [.. result.Select(g => g is null || g.IsInvalid ? null! : g.DetachFromDisposeScope())];
        }
    }

    /// <summary>The same tensor. While the gate is shut, the backward pass ends here: what came before may depend on a parameter of the
    /// part too, and that share of its gradient is found by whoever asked for this one's.</summary>
    private sealed class Gate : autograd.MultiTensorFunction<Gate>
    {
        public sealed class State
        {
            public bool IsOpen { get; set; }
        }

        public override string Name => nameof(Gate);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            ctx.set_materialize_grads(false);
            ctx.save_data(nameof(State), vars[0]);
            return [((Tensor)vars[1]).alias()];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> byOutputs)
        {
            var isOpen = ((State)ctx.get_data(nameof(State))).IsOpen && !byOutputs[0].IsInvalid;
            Tensor? gradient = isOpen ? byOutputs[0].alias().DetachFromDisposeScope() : null;
            byOutputs[0].Dispose();
            BackwardPass.HandOver([gradient]);
            return [null!, gradient!];
        }
    }
}
