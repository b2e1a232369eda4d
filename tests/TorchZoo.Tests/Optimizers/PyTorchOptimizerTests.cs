using NUnit.Framework;
using TorchSharp.Modules;
using TorchZoo.Optimizers;
using static TorchSharp.torch;

namespace TorchZoo.Tests.Optimizers;

/// <summary>Against PyTorch itself (1.13, float32): 100 steps on two parameters whose gradients are these functions of them and the
/// step's number.</summary>
public class PyTorchOptimizerTests
{
    private static readonly Dictionary<string, (Func<Parameter[], FusedOptimizer> Make, double[] Expected)> Cases = new()
    {
        ["adam"] = (p => new FusedAdam(p, 0.02, 0.8, 0.95, 1e-7),
            [0.07338755577802658, -0.04890798032283783, 0.5155507326126099, 0.27600333094596863, 0.2500799596309662]),
        ["adam, amsgrad, decay"] = (p => new FusedAdam(p, 0.02, weightDecay: 0.1, amsgrad: true),
            [0.03438115864992142, -0.06311127543449402, 0.5278645157814026, 0.2355417013168335, 0.22701193392276764]),
        ["adamw"] = (p => new FusedAdamW(p, 0.02, weightDecay: 0.1),
            [0.04711359739303589, -0.0464768186211586, 0.4220241606235504, 0.24149443209171295, 0.24324192106723785]),
        ["adamw, amsgrad"] = (p => new FusedAdamW(p, 0.02, weightDecay: 0.1, amsgrad: true),
            [0.0471155010163784, -0.04650881513953209, 0.42206451296806335, 0.24149642884731293, 0.2433069497346878]),
        ["sgd"] = (p => new FusedSgd(p, 0.05, weightDecay: 0.1),
            [0.03983518108725548, -0.07152359932661057, 0.10449795424938202, 0.26197272539138794, 0.22473245859146118]),
        ["momentum, dampening"] = (p => new FusedSgd(p, 0.02, 0.9, 0.3),
            [-0.002728969557210803, -0.009525171481072903, 0.01277939137071371, 0.25392165780067444, 0.2515484392642975]),
        ["nesterov"] = (p => new FusedSgd(p, 0.02, 0.9, weightDecay: 0.01, nesterov: true),
            [-0.0033064738381654024, -0.006136205978691578, 0.0014187180204316974, 0.2677452862262726, 0.2462361603975296]),
    };

    private static IEnumerable<string> Names() => Cases.Keys;

    [TestCaseSource(nameof(Names))]
    public void EqualsPyTorchOver100Steps(string name)
    {
        foreach (var path in Enum.GetValues<UpdatePath>())
        {
            using var scope = NewDisposeScope();
            Parameter p = new(tensor([0.5f, -1.25f, 2])), q = new(tensor(new[,] { { 1f, -0.5f } }));
            using var optimizer = Cases[name].Make([p, q]);
            optimizer.Path = path;
            for (var t = 0; t < 100; t++)
            {
                using var inner = NewDisposeScope();
                p.grad = p.detach() * 0.5 + tensor([(t % 7 - 3) / 4f, (t % 5 - 2) / 8f, (t % 3 - 1) / 2f]);
                q.grad = q.detach() - tensor(new[,] { { (t % 4 - 1) / 2f, 0.25f } });
                optimizer.step();
            }
            Assert.That(cat([p.detach(), q.detach().flatten()]).data<float>().ToArray(), Is.EqualTo(Cases[name].Expected).Within(1e-6), $"{path}");
        }
    }
}
