using System.Reflection;
using TorchSharp.Modules;
using TorchZoo.Kernels;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;
using Module = TorchSharp.torch.nn.Module;

namespace TorchZoo.Models.Compression;

/// <summary>Makes those layers of a pruned network sparse that are faster then.</summary>
public static class SparseModelConverter
{
    private const string OutOfReach = "it lies in a field that can't hold a sparse layer: declare it as Module<Tensor, Tensor>";

    // Rounds of a measurement; in each both forms run.
    private const int Rounds = 7;

    /// <summary>Replaces each <c>nn.Linear</c> and <c>nn.Conv2d</c> that is sparse enough and, measured on random data of the size that it gets here,
    /// faster as a sparse layer, forward and backward. Convolutions take the faster of their two orders.</summary>
    /// <param name="net">The network. Layers are found in <c>Sequential</c>, and in modules' fields that can hold any
    /// <c>Module&lt;Tensor, Tensor&gt;</c>.</param>
    /// <param name="inputShape">Shape of an input.</param>
    /// <param name="minSparsity">Least share of zeros, in [0, 1]; below 0.8 sparse layers are rarely faster.</param>
    /// <param name="measure">Whether to measure; else sparsity alone decides.</param>
    /// <param name="skip">Names of layers to leave alone; null: none.</param>
    /// <returns>The network, and what became of each layer.</returns>
    /// <exception cref="ArgumentException">The network doesn't take such inputs.</exception>
    public static SparseConversion Convert(Module<Tensor, Tensor> net, long[] inputShape, double minSparsity = 0.8, bool measure = true,
        IReadOnlySet<string>? skip = null)
    {
        ArgumentNullException.ThrowIfNull(net);
        ArgumentNullException.ThrowIfNull(inputShape);
        if (!(minSparsity is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(minSparsity), minSparsity, "must be in [0, 1]");
        var found = PrunableLayers.Of(net).Where(l => l.Layer is not SparseLayer).ToList();
        var shapes = InputShapes(net, [.. found.Select(f => (Module<Tensor, Tensor>)f.Layer)], inputShape);
        var reports = new List<SparseConversionLayer>();
        var replacements = new Dictionary<Module, Module<Tensor, Tensor>>();
        foreach (var (name, module) in found)
        {
            var layer = (Module<Tensor, Tensor>)module;
            var (report, sparse) = Try(name, layer, shapes.GetValueOrDefault(layer), minSparsity, measure, skip?.Contains(name) is true);
            reports.Add(report);
            if (sparse is not null) replacements[layer] = sparse;
        }
        var replaced = new HashSet<Module>();
        var model = (Module<Tensor, Tensor>)Replace(net, replacements, replaced);
        for (var i = 0; i < reports.Count; i++)
            if (reports[i].IsSparse && !replaced.Contains(found[i].Layer))
                reports[i] = reports[i] with { IsSparse = false, Reason = OutOfReach };
        return new(model, reports);
    }

    private static Dictionary<Module, long[]> InputShapes(Module<Tensor, Tensor> net, List<Module<Tensor, Tensor>> layers, long[] inputShape)
    {
        var shapes = new Dictionary<Module, long[]>();
        var hooks = layers.Select(l => l.register_forward_pre_hook((module, x) =>
        {
            shapes[module] = x.shape;
            return x;
        })).ToList();
        var wasTraining = net.training;
        try
        {
            using var scope = NewDisposeScope();
            using var off = no_grad();
            net.eval();
            var like = net.parameters().FirstOrDefault();
            net.call(zeros(inputShape, like?.dtype ?? ScalarType.Float32, like?.device ?? CPU));
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new ArgumentException($"the network doesn't take inputs of shape ({string.Join(", ", inputShape)}): {e.Message}",
                nameof(inputShape), e);
        }
        finally
        {
            net.train(wasTraining);
            hooks.ForEach(h => h.remove());
        }
        return shapes;
    }

    private static (SparseConversionLayer, Module<Tensor, Tensor>?) Try(string name, Module<Tensor, Tensor> layer, long[]? shape,
        double minSparsity, bool measure, bool isSkipped)
    {
        using var off = no_grad();
        using var scope = NewDisposeScope();
        var weight = PrunableLayers.WeightOf(layer);
        var sparsity = 1 - weight.count_nonzero().item<long>() / (double)weight.numel();
        (SparseConversionLayer, Module<Tensor, Tensor>?) Stays(string reason, double? dense = null, double? sparse = null) =>
            (new(name, sparsity, dense, sparse, false, reason), null);

        if (isSkipped) return Stays("it was to be skipped");
        if (sparsity < minSparsity) return Stays($"its sparsity is below {minSparsity:0.##}");
        if (weight.device_type != TorchSharp.DeviceType.CPU) return Stays($"sparse kernels run on CPUs, not on {weight.device}");
        SparseLayer[] candidates;
        try
        {
            candidates = layer is Linear dense ? [SparseLinear.FromDense(dense)]
                : [.. new[] { ConvLoopOrder.OverBatch, ConvLoopOrder.OverPositions }
                    .Select(o => SparseConv2d.FromDense((Conv2d)layer, order: o))];
        }
        catch (NotSupportedException e) { return Stays(e.Message); }
        foreach (var candidate in candidates) candidate.train(layer.training);
        if (!measure)
        {
            if (candidates[0] is SparseConv2d conv) conv.Order = ConvLoopOrder.Auto;
            return (new(name, sparsity, null, null, true, $"its sparsity is at least {minSparsity:0.##}"), candidates[0]);
        }
        if (shape is null) return Stays("the network doesn't use it");
        var times = Milliseconds([layer, .. candidates], shape, weight.dtype);
        var fastest = Enumerable.Range(0, candidates.Length).MinBy(i => times[i + 1]);
        foreach (var (i, candidate) in candidates.Index())
            if (i != fastest) candidate.Dispose();
        if (times[fastest + 1] < times[0])
            return (new(name, sparsity, times[0], times[fastest + 1], true, "it is faster"), candidates[fastest]);
        candidates[fastest].Dispose();
        return Stays("it is faster dense", times[0], times[fastest + 1]);
    }

    // Forward and backward pass: the median of some rounds, in each of which all take their turn.
    private static double[] Milliseconds(Module<Tensor, Tensor>[] forms, long[] shape, ScalarType dtype)
    {
        using var on = enable_grad();
        var gradients = forms[0].parameters().Select(p => (Parameter: p, Gradient: p.grad)).ToList();
        foreach (var (parameter, _) in gradients) parameter.grad = null;
        using var x = randn(shape, dtype, requires_grad: true);
        var times = InterleavedTimes.Measure(Rounds, [.. forms.Select(form => (Action)(() =>
        {
            using var scope = NewDisposeScope();
            var y = form.call(x);
            y.backward([ones_like(y)]);
            x.grad = null;
            form.zero_grad();
        }))]);
        foreach (var (parameter, gradient) in gradients) parameter.grad = gradient;
        return times;
    }

    private static Module Replace(Module module, Dictionary<Module, Module<Tensor, Tensor>> replacements, HashSet<Module> replaced)
    {
        if (replacements.TryGetValue(module, out var sparse))
        {
            replaced.Add(module);
            return sparse;
        }
        if (module is Sequential sequential && sequential.GetType() == typeof(Sequential))
        {
            var children = sequential.named_children().ToList();
            var now = children.Select(c => Replace(c.module, replacements, replaced)).ToList();
            if (children.Zip(now).All(c => ReferenceEquals(c.First.module, c.Second))) return sequential;
            var again = Sequential(children.Zip(now, (c, m) => (c.name, (Module<Tensor, Tensor>)m)).ToArray());
            again.train(sequential.training);
            return again;
        }
        foreach (var field in Fields(module.GetType()))
        {
            if (field.GetValue(module) is not Module child) continue;
            if (module.named_children().FirstOrDefault(c => ReferenceEquals(c.module, child)) is not (var name, { })) continue;
            if (replacements.TryGetValue(child, out var by) && !field.FieldType.IsInstanceOfType(by)) continue;
            var now = Replace(child, replacements, replaced);
            if (ReferenceEquals(now, child)) continue;
            field.SetValue(module, now);
            module.register_module(name, null!);
            module.register_module(name, now);
        }
        return module;
    }

    private const BindingFlags Own = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    // As torch finds the parts of a module: in its fields.
    private static IEnumerable<FieldInfo> Fields(Type? type)
    {
        for (; type is not null && type != typeof(Module); type = type.BaseType)
            foreach (var field in type.GetFields(Own))
                yield return field;
    }
}
