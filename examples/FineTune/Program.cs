// A network that was trained in PyTorch goes on learning here, and goes back. (pretrain.py made pretrained.pt, check.py opens the result.)
using System.Globalization;
using TorchSharp.Utils;
using TorchZoo;
using TorchZoo.Checkpoints;
using TorchZoo.Data;
using TorchZoo.Optimizers;
using TorchZoo.Training;
using static TorchSharp.torch;

TorchRuntime.EnsureLoaded();
Seed.Set(0);
var model = new Net();
PyTorchFile.LoadStateDict("pretrained.pt", model);                  // names and shapes must be the file's

// It learned sin(3xy); the new task is sin(3xy + 0.5), with 200 examples.
var inputs = rand(200, 2) * 2 - 1;
var line = linspace(-1, 1, 33);
var (old, train, test) = (Task(cartesian_prod(line, line), 0), Task(inputs, 0.5), Task(cartesian_prod(line, line), 0.5));
var trainer = new Trainer(model, new TrainerOptions { Epochs = 200, BatchSize = 50 })
{
    Optimizer = p => new FusedAdamW(p, lr: 2e-3),
    Schedule = Schedules.OneCycle(warmUp: 0.1),
    Step = Steps.Supervised((output, target) => (output - target).square().mean()),
};
var (known, before) = (Loss(old), Loss(test));
trainer.Fit(train);
PyTorchFile.Save("finetuned.pt", PyDict.FromTensors(StateDict.Of(model)));

var again = new Net();
PyTorchFile.LoadStateDict("finetuned.pt", again);
var same = again.call(inputs).allclose(model.call(inputs), 0, 0);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"old task {known:G4}, new task before {before:G4}, after {Loss(test):G4}"));
return known < 1e-3 && Loss(test) < before / 100 && same ? 0 : 1;

double Loss(IDataset data) => trainer.Evaluate(data)["loss"];

static PairDataset Task(Tensor x, double shift) => new(x, (3 * x.prod(1, keepdim: true) + shift).sin());

// The names of the parts are those of the Python class: they make the keys of the state dict.
internal sealed class Net : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "features")]
    private readonly nn.Module<Tensor, Tensor> _features = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh());
    [ComponentName(Name = "head")]
    private readonly nn.Module<Tensor, Tensor> _head = nn.Linear(64, 1);

    public Net() : base(nameof(Net)) => RegisterComponents();

    public override Tensor forward(Tensor x) => _head.call(_features.call(x));
}
