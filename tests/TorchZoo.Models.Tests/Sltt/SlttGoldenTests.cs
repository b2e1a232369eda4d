using System.Text.Json.Nodes;
using NUnit.Framework;
using TorchZoo.Kernels;
using TorchZoo.Models.Spiking;
using TorchZoo.Testing;
using static TorchSharp.torch;

namespace TorchZoo.Models.Tests;

[Category("Golden")]
public sealed class SlttGoldenTests
{
    private static IEnumerable<TestCaseData> Cases => GoldenCase.Of("sltt");

    [TestCaseSource(nameof(Cases))]
    public void Outputs_and_the_rules_gradients_are_the_references(string folder)
    {
        using var scope = NewDisposeScope();
        using var golden = GoldenCase.Load(folder);
        var config = JsonNode.Parse(golden.Config)!;
        using var network = new SpikingCnn(Network(config));
        var steps = (int)config["T"]!;
        var rule = Rule(config, steps);
        golden.Check(network, inputs =>
        {
            var labels = inputs["label"];
            // (time, batch, …) in the files.
            var input = inputs.Single(i => i.Key != "label").Value;
            var frames = input.dim() == 5 ? input.transpose(0, 1) : input;
            var (total, loss) = rule.Gradients(network, frames, labels);
            var outputs = Trace(network, frames, steps);
            outputs.Add("total", total);
            outputs.Add("loss", loss.reshape(1));
            return outputs;
        }, gradientsAreThere: true);
    }

    // Outputs, spikes and potentials of a run without gradients.
    private static Dictionary<string, Tensor> Trace(SpikingCnn network, Tensor frames, int steps)
    {
        using var off = no_grad();
        var neurons = SpikingModules.Neurons(network).Select(n => n.Neuron).ToList();
        var spikes = neurons.Select(_ => new List<Tensor>()).ToList();
        var hooks = neurons.Select((n, i) => n.register_forward_hook((_, _, s) =>
        {
            spikes[i].Add(s.clone().DetachFromDisposeScope());
            return s;
        })).ToList();
        SpikingModules.ResetState(network);
        var outputs = Enumerable.Range(0, steps).Select(t => network.Step(frames.dim() == 5 ? frames.select(1, t) : frames)).ToList();
        hooks.ForEach(h => h.remove());
        var result = new Dictionary<string, Tensor> { [""] = stack(outputs) };
        for (var i = 0; i < neurons.Count; i++)
        {
            result.Add($"spikes{i + 1}", stack(spikes[i]));
            result.Add($"v{i + 1}", neurons[i].Membrane!.clone());
        }
        SpikingModules.ResetState(network);
        return result;
    }

    private static SpikingCnnConfig Network(JsonNode config)
    {
        var network = config["network"]!;
        long[] first = Longs(network["conv1"]!), second = Longs(network["conv2"]!);
        var pool = (string)network["pool"]!;
        Assert.That(pool, Does.StartWith("avg"));
        var edge = long.Parse(pool[3..]);
        var size = (long)network["hw"]!;
        return new SpikingCnnConfig
        {
            InChannels = first[0],
            InSize = [size, size],
            Channels = [first[1], second[1]],
            KernelSize = first[2],
            Pool = [edge, edge],
            BatchNorm = false,
            NumClasses = Longs(network["linear"]!)[1],
            TimeSteps = (int)config["T"]!,
            Neuron = new NeuronConfig
            {
                Tau = (double)config["tau"]!,
                VThreshold = (double)config["v_threshold"]!,
                VReset = (double?)config["v_reset"],
                DecayInput = (bool)config["decay_input"]!,
                DetachReset = (bool)config["detach_reset"]!,
                Surrogate = Enum.Parse<SurrogateGradient>((string)config["surrogate"]!, ignoreCase: true),
            },
        };

        static long[] Longs(JsonNode list) => [.. list.AsArray().Select(n => (long)n!)];
    }

    private static SpikingTraining Rule(JsonNode config, int steps)
    {
        var loss = new SpikingLoss
        {
            MseWeight = (double)config["loss_lambda"]!,
            Target = (bool)config["mse_n_reg"]! ? MseTarget.OneHot : MseTarget.Constant,
            Constant = (double)config["loss_means"]!,
        };
        return (string)config["rule"]! switch
        {
            "bptt" => new Bptt { TimeSteps = steps, Loss = loss },
            "sltt" => new Sltt { TimeSteps = steps, Loss = loss },
            "sltt-k" => new SlttK((int)config["K"]!)
            {
                TimeSteps = steps,
                Loss = loss,
                Choose = _ => [.. config["train_step"]!.AsArray().Select(t => (int)t!)],
            },
            var other => throw new NotSupportedException($"unknown rule {other}"),
        };
    }
}
